// o = weights · v for 32 rows of a head and 8 vectors of the value size.
// Prelude: GROUP; scores (now weights); v, o; span_of; the tiles.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let chunk = index % params.value_tiles;
  let row_tile = (index / params.value_tiles) % params.row_tiles;
  let head = (index / (params.value_tiles * params.row_tiles)) % params.heads;
  let batch = index / (params.value_tiles * params.row_tiles * params.heads);
  let first_row = row_tile * TILE;
  let last_row = min(first_row + TILE, params.seq_q) - 1u;
  let end_key = span_of(batch, last_row).end;
  let x = lane % 8u;
  let y = lane / 8u;

  var spans: array<Span, 4>;
  for (var r = 0u; r < 4u; r++) { spans[r] = span_of(batch, min(first_row + y + 8u * r, last_row)); }
  var o: array<vec4<f32>, 4>;
  for (var first_key = span_of(batch, first_row).first; first_key < end_key; first_key += i32(TILE)) {
    workgroupBarrier();
    for (var r = 0u; r < 4u; r++) {
      let at = score_at(batch, head, min(first_row + y + 8u * r, last_row));
      var p = vec4<f32>();
      for (var j = 0u; j < 4u; j++) {
        let key = first_key + i32(x + 8u * j);
        if (key >= spans[r].first && key < spans[r].end) { p[j] = scores[at + u32(key)]; }
      }
      weight_tile[(y + 8u * r) * TILE_STRIDE + x] = p;
    }
    stage_values(lane, batch, head / GROUP, first_key, end_key, chunk);
    workgroupBarrier();
    let added = values_of(lane);
    for (var r = 0u; r < 4u; r++) { o[r] += added[r]; }
  }
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + y + 8u * r;
    if (row <= last_row) { store_o4(o_at(batch, head, row), 8u * chunk + x, o[r]); }
  }
}
