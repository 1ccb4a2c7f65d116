// 32 bytes of nibbles hold two groups of 32 weights, the first in the low ones.
fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let group = (k % 256u) / 32u;
  let at = block_of(row, k) + 16u + group / 2u * 32u + k % 32u;
  let shift = group % 2u * 4u;
  return array<vec4<f32>, 2>(vec4<f32>(nibbles_of(word_at(at) >> shift)), vec4<f32>(nibbles_of(word_at(at + 4u) >> shift)));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let group = (k % 256u) / 32u;
  let at = block_of(row, k) + 16u + group / 2u * 32u + k % 32u;
  let shift = group % 2u * 4u;
  return vec2<u32>(nibble_bytes_of(word_at(at) >> shift), nibble_bytes_of(word_at(at + 4u) >> shift));
}
