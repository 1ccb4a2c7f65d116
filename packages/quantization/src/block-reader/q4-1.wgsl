// f16 scale, f16 offset; 16 bytes of nibbles, the low ones first.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return unpack2x16float(word_at(block_of(row, k))) * vec2<f32>(1.0, -1.0); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = block_of(row, k) + 4u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return array<vec4<f32>, 2>(vec4<f32>(nibbles_of(word_at(at) >> shift)), vec4<f32>(nibbles_of(word_at(at + 4u) >> shift)));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = block_of(row, k) + 4u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return vec2<u32>(nibble_bytes_of(word_at(at) >> shift), nibble_bytes_of(word_at(at + 4u) >> shift));
}
