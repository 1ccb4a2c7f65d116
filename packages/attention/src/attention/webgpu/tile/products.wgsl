// Products of 32 rows and 32 keys by 64 lanes: lane (x, y) holds rows y, y + 8, y + 16, y + 24 (index of the array) against keys
// x, x + 8, x + 16, x + 24 (component). Tiles are staged 8 vectors of the head size at a time.
var<workgroup> query_tile: array<vec4<f32>, 288>;

fn products_of(lane: u32, batch: u32, head: u32, first_row: u32, last_row: u32, first_key: i32, end_key: i32) -> array<vec4<f32>, 4> {
  let x = lane % 8u;
  let y = lane / 8u;
  var sums = array<vec4<f32>, 4>();
  for (var chunk = 0u; chunk < QUERY_CHUNKS; chunk += 8u) {
    workgroupBarrier();
    for (var i = lane; i < 256u; i += 64u) {
      let row = i / 8u;
      let column = i % 8u;
      query_tile[row * TILE_STRIDE + column] = q4(q_at(batch, head, min(first_row + row, last_row)), chunk + column) * params.query_scale;
      let key = first_key + i32(row);
      var value = vec4<f32>();
      if (key < end_key) { value = k4(k_at(batch, head / GROUP, u32(key)), chunk + column); }
      kv_tile[row * TILE_STRIDE + column] = value;
    }
    workgroupBarrier();
    for (var column = 0u; column < 8u; column++) {
      let k0 = kv_tile[x * TILE_STRIDE + column];
      let k1 = kv_tile[(x + 8u) * TILE_STRIDE + column];
      let k2 = kv_tile[(x + 16u) * TILE_STRIDE + column];
      let k3 = kv_tile[(x + 24u) * TILE_STRIDE + column];
      for (var r = 0u; r < 4u; r++) {
        let q = query_tile[(y + 8u * r) * TILE_STRIDE + column];
        sums[r] += vec4<f32>(dot(q, k0), dot(q, k1), dot(q, k2), dot(q, k3));
      }
    }
  }
  return sums;
}
