// Joins the partial results of a row's splits, with the sink. One workgroup per row of a head.
// Prelude: GROUP, ROWS, VALUE_VECTORS; partial_o, partial_sums; o, lse; span_of, sink_of.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.rows) { return; }
  let row = index % params.seq_q;
  let head = (index / params.seq_q) % params.heads;
  let batch = index / (params.seq_q * params.heads);
  let packed = row * GROUP + head % GROUP;
  let block = packed / ROWS;
  let last_packed = min((block + 1u) * ROWS, GROUP * params.seq_q) - 1u;
  let keys = max(span_of(batch, last_packed / GROUP).end - span_of(batch, (block * ROWS) / GROUP).first, 0);
  let splits = (u32(keys) + params.split_keys - 1u) / params.split_keys;
  // Index of the first split; the next ones follow at a distance of ROWS.
  let at = (((batch * (params.heads / GROUP) + head / GROUP) * params.row_blocks + block) * params.splits) * ROWS + packed % ROWS;

  let sink = sink_of(head);
  var m = sink;
  for (var s = 0u; s < splits; s++) { m = max(m, partial_sums[at + s * ROWS].x); }
  var l = select(0.0, exp2(sink - m), is_visible(sink));
  for (var s = 0u; s < splits; s++) {
    let sums = partial_sums[at + s * ROWS];
    l += sums.y * exp2(sums.x - m);
  }
  let share = select(0.0, 1.0 / l, l > 0.0);
  for (var column = lane; column < VALUE_VECTORS; column += 64u) {
    var sum = vec4<f32>();
    for (var s = 0u; s < splits; s++) { sum += partial_o[(at + s * ROWS) * VALUE_VECTORS + column] * exp2(partial_sums[at + s * ROWS].x - m); }
    store_o4(o_at(batch, head, row), column, sum * share);
  }
  if (lane == 0u) { store_lse(batch, head, row, m, l); }
}
