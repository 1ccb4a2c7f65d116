// FlashAttention-2's forward pass (Dao 2023): a workgroup holds 32 rows of a head, walks over their keys in tiles of 32, and keeps
// the running maximum m, the sum l and the output o in registers.
// Prelude: Invocation, position_of; row_highest, row_sum; GROUP, QUERY_CHUNKS, VALUE_TILES (of 8 vectors); q, k, v, o, lse; span_of, score_of, sink_of; the tiles.
var<workgroup> partial: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let head = index % params.heads;
  // The last rows of a causal sequence have most keys: they start first, so that they do not end last.
  let row_tile = params.row_tiles - 1u - (index / params.heads) % params.row_tiles;
  let batch = index / (params.heads * params.row_tiles);
  let first_row = row_tile * TILE;
  let last_row = min(first_row + TILE, params.seq_q) - 1u;
  let x = lane % 8u;
  let y = lane / 8u;

  var spans: array<Span, 4>;
  for (var r = 0u; r < 4u; r++) { spans[r] = span_of(batch, min(first_row + y + 8u * r, last_row)); }
  let end_key = span_of(batch, last_row).end;

  let sink = sink_of(head);
  var m = vec4<f32>(sink);
  // Each lane sums its own keys; the sink counts once.
  var l = vec4<f32>(select(0.0, 1.0, x == 0u && is_visible(sink)));
  var o: array<array<vec4<f32>, 4>, VALUE_TILES>;

  for (var first_key = span_of(batch, first_row).first; first_key < end_key; first_key += i32(TILE)) {
    var scores = products_of(lane, batch, head, first_row, last_row, first_key, end_key);
    var tops = vec4<f32>();
    for (var r = 0u; r < 4u; r++) {
      let row = min(first_row + y + 8u * r, last_row);
      for (var j = 0u; j < 4u; j++) { scores[r][j] = score_of(scores[r][j], batch, head, row, spans[r], first_key + i32(x + 8u * j)); }
      tops[r] = max(max(scores[r].x, scores[r].y), max(scores[r].z, scores[r].w));
    }
    let top = max(m, row_highest(lane, tops));
    let shrink = exp2(m - top);
    m = top;
    l *= shrink;
    for (var r = 0u; r < 4u; r++) {
      let seen = scores[r] > vec4<f32>(-1.7e38);
      let p = select(vec4<f32>(), exp2(scores[r] - top[r]), seen);
      l[r] += p.x + p.y + p.z + p.w;
      weight_tile[(y + 8u * r) * TILE_STRIDE + x] = p;
    }
    for (var chunk = 0u; chunk < VALUE_TILES; chunk++) {
      workgroupBarrier();
      stage_values(lane, batch, head / GROUP, first_key, end_key, chunk);
      workgroupBarrier();
      let added = values_of(lane);
      for (var r = 0u; r < 4u; r++) { o[chunk][r] = o[chunk][r] * shrink[r] + added[r]; }
    }
  }

  let sum = row_sum(lane, l);
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + y + 8u * r;
    if (row > last_row) { continue; }
    // A row that sees no key has a sum of 0 and an output of 0.
    let share = select(0.0, 1.0 / sum[r], sum[r] > 0.0);
    for (var chunk = 0u; chunk < VALUE_TILES; chunk++) { store_o4(o_at(batch, head, row), 8u * chunk + x, o[chunk][r] * share); }
    if (x == 0u) { store_lse(batch, head, row, m[r], sum[r]); }
  }
}
