// f16 scale; 16 bytes of nibbles, the low ones first; code − 8.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(half_at(block_of(row, k)), 0.0); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = block_of(row, k) + 2u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return array<vec4<f32>, 2>(vec4<f32>(nibbles_of(word_at(at) >> shift)) - 8.0, vec4<f32>(nibbles_of(word_at(at + 4u) >> shift)) - 8.0);
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = block_of(row, k) + 2u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return vec2<u32>(bytes_less(nibble_bytes_of(word_at(at) >> shift), 8u), bytes_less(nibble_bytes_of(word_at(at + 4u) >> shift), 8u));
}
