// do Vᵀ of 32 rows and 32 keys, as `products_of` has q Kᵀ.
fn gradient_products_of(lane: u32, batch: u32, head: u32, first_row: u32, last_row: u32, first_key: i32, end_key: i32) -> array<vec4<f32>, 4> {
  let x = lane % 8u;
  let y = lane / 8u;
  var sums = array<vec4<f32>, 4>();
  for (var chunk = 0u; chunk < VALUE_CHUNKS; chunk += 8u) {
    workgroupBarrier();
    for (var i = lane; i < 256u; i += 64u) {
      let row = i / 8u;
      let column = i % 8u;
      query_tile[row * TILE_STRIDE + column] = g4(g_at(batch, head, min(first_row + row, last_row)), chunk + column);
      let key = first_key + i32(row);
      var value = vec4<f32>();
      if (key < end_key) { value = v4(v_at(batch, head / GROUP, u32(key)), chunk + column); }
      kv_tile[row * TILE_STRIDE + column] = value;
    }
    workgroupBarrier();
    for (var column = 0u; column < 8u; column++) {
      let v0 = kv_tile[x * TILE_STRIDE + column];
      let v1 = kv_tile[(x + 8u) * TILE_STRIDE + column];
      let v2 = kv_tile[(x + 16u) * TILE_STRIDE + column];
      let v3 = kv_tile[(x + 24u) * TILE_STRIDE + column];
      for (var r = 0u; r < 4u; r++) {
        let g = query_tile[(y + 8u * r) * TILE_STRIDE + column];
        sums[r] += vec4<f32>(dot(g, v0), dot(g, v1), dot(g, v2), dot(g, v3));
      }
    }
  }
  return sums;
}
