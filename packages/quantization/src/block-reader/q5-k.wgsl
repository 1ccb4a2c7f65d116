// As Q4_K, with 32 bytes of fifth bits before the nibbles: bit g of byte i belongs to weight i of group g.
fn fifth_bits_of_group(word: u32, group: u32) -> vec4<u32> { return ((vec4<u32>(word >> group) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(1u)) << vec4<u32>(4u); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let block = block_of(row, k);
  let group = (k % 256u) / 32u;
  let high = block + 16u + k % 32u;
  let at = block + 48u + group / 2u * 32u + k % 32u;
  let shift = group % 2u * 4u;
  return array<vec4<f32>, 2>(
    vec4<f32>(nibbles_of(word_at(at) >> shift) | fifth_bits_of_group(word_at(high), group)),
    vec4<f32>(nibbles_of(word_at(at + 4u) >> shift) | fifth_bits_of_group(word_at(high + 4u), group)),
  );
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let block = block_of(row, k);
  let group = (k % 256u) / 32u;
  let high = block + 16u + k % 32u;
  let at = block + 48u + group / 2u * 32u + k % 32u;
  let shift = group % 2u * 4u;
  return vec2<u32>(
    nibble_bytes_of(word_at(at) >> shift) | (((word_at(high) >> group) & 0x01010101u) << 4u),
    nibble_bytes_of(word_at(at + 4u) >> shift) | (((word_at(high + 4u) >> group) & 0x01010101u) << 4u),
  );
}
