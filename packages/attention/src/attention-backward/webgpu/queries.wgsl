// dQ = scale · dS K: a workgroup holds 32 rows of a head and walks over their keys in tiles of 32.
// Prelude: GROUP, QUERY_TILES (of 8 vectors); weights_of; k; store_x4, x_at; the tiles.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let head = index % params.heads;
  let row_tile = params.row_tiles - 1u - (index / params.heads) % params.row_tiles;
  let batch = index / (params.heads * params.row_tiles);
  let first_row = row_tile * TILE;
  let last_row = min(first_row + TILE, params.seq_q) - 1u;
  let end_key = span_of(batch, last_row).end;
  let x = lane % 8u;
  let y = lane / 8u;
  var sums: array<array<vec4<f32>, 4>, QUERY_TILES>;
  for (var first_key = span_of(batch, first_row).first; first_key < end_key; first_key += i32(TILE)) {
    let slopes = weights_of(lane, batch, head, first_row, last_row, first_key, end_key);
    for (var r = 0u; r < 4u; r++) { weight_tile[(y + 8u * r) * TILE_STRIDE + x] = slopes[r]; }
    for (var chunk = 0u; chunk < QUERY_TILES; chunk++) {
      workgroupBarrier();
      for (var i = lane; i < 256u; i += 64u) {
        let key = first_key + i32(i / 8u);
        var value = vec4<f32>();
        if (key < end_key) { value = k4(k_at(batch, head / GROUP, u32(key)), 8u * chunk + i % 8u); }
        kv_tile[(i / 8u) * TILE_STRIDE + i % 8u] = value;
      }
      workgroupBarrier();
      let added = values_of(lane);
      for (var r = 0u; r < 4u; r++) { sums[chunk][r] += added[r]; }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + y + 8u * r;
    if (row > last_row) { continue; }
    for (var chunk = 0u; chunk < QUERY_TILES; chunk++) { store_x4(x_at(batch, head, row), 8u * chunk + x, sums[chunk][r] * params.factor); }
  }
}
