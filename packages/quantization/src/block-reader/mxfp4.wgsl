// An exponent byte e, for the scale 2^(e − 128); 16 bytes of nibbles, the low ones first. The two smallest scales are subnormal.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let exponent = byte_at(block_of(row, k));
  return vec2<f32>(bitcast<f32>(select((exponent - 1u) << 23u, 0x00200000u << (exponent % 2u), exponent < 2u)), 0.0);
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = block_of(row, k) + 1u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return array<vec4<f32>, 2>(levels_of(word_at(at) >> shift), levels_of(word_at(at + 4u) >> shift));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = block_of(row, k) + 1u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return vec2<u32>(level_bytes_of(word_at(at) >> shift), level_bytes_of(word_at(at + 4u) >> shift));
}
