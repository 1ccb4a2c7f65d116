// f16 scale, f16 offset; 32 fifth bits; 16 bytes of nibbles, the low ones first.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return unpack2x16float(word_at(block_of(row, k))) * vec2<f32>(1.0, -1.0); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let block = block_of(row, k);
  let high = word_at(block + 4u) >> (k % 32u);
  let at = block + 8u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return array<vec4<f32>, 2>(
    vec4<f32>(nibbles_of(word_at(at) >> shift) | fifth_bits_of(high)),
    vec4<f32>(nibbles_of(word_at(at + 4u) >> shift) | fifth_bits_of(high >> 4u)),
  );
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let block = block_of(row, k);
  let high = word_at(block + 4u) >> (k % 32u);
  let at = block + 8u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return vec2<u32>(nibble_bytes_of(word_at(at) >> shift) | (bit_bytes_of(high) << 4u), nibble_bytes_of(word_at(at + 4u) >> shift) | (bit_bytes_of(high >> 4u) << 4u));
}
