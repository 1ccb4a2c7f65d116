// Stages 8 vectors of the value size of 32 keys; keys from `end_key` on are zeros, whatever the memory there holds.
fn stage_values(lane: u32, batch: u32, kv_head: u32, first_key: i32, end_key: i32, chunk: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let key = first_key + i32(i / 8u);
    var value = vec4<f32>();
    if (key < end_key) { value = v4(v_at(batch, kv_head, u32(key)), 8u * chunk + i % 8u); }
    kv_tile[(i / 8u) * TILE_STRIDE + i % 8u] = value;
  }
}
