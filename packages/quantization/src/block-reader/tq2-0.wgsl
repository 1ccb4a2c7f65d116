// 64 bytes of 2-bit codes; f16 scale; code − 1.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(half_at(block_of(row, k) + 64u), 0.0); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let codes = crumbs_at(block_of(row, k), k);
  return array<vec4<f32>, 2>(vec4<f32>(codes[0]) - 1.0, vec4<f32>(codes[1]) - 1.0);
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let bytes = crumb_bytes_at(block_of(row, k), k);
  return vec2<u32>(bytes_less(bytes.x, 1u), bytes_less(bytes.y, 1u));
}
