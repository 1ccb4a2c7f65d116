// f16 scale; 32 fifth bits; 16 bytes of nibbles, the low ones first; code − 16.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(half_at(block_of(row, k)), 0.0); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let block = block_of(row, k);
  let high = word_at(block + 2u) >> (k % 32u);
  let at = block + 6u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return array<vec4<f32>, 2>(
    vec4<f32>(nibbles_of(word_at(at) >> shift) | fifth_bits_of(high)) - 16.0,
    vec4<f32>(nibbles_of(word_at(at + 4u) >> shift) | fifth_bits_of(high >> 4u)) - 16.0,
  );
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let block = block_of(row, k);
  let high = word_at(block + 2u) >> (k % 32u);
  let at = block + 6u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return vec2<u32>(bytes_less(nibble_bytes_of(word_at(at) >> shift) | (bit_bytes_of(high) << 4u), 16u), bytes_less(nibble_bytes_of(word_at(at + 4u) >> shift) | (bit_bytes_of(high >> 4u) << 4u), 16u));
}
