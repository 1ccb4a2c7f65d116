// 64 bytes of 2-bit codes: each 32 bytes hold four runs of 32 codes, lowest bits first.
fn crumbs_of(word: u32) -> vec4<u32> { return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(3u); }

// The 8 codes from k on; `at` is the offset of the 64 bytes.
fn crumbs_at(at: u32, k: u32) -> array<vec4<u32>, 2> {
  let byte = at + (k % 256u) / 128u * 32u + k % 32u;
  let shift = (k / 32u) % 4u * 2u;
  return array<vec4<u32>, 2>(crumbs_of(word_at(byte) >> shift), crumbs_of(word_at(byte + 4u) >> shift));
}

// The same as bytes of two words.
fn crumb_bytes_at(at: u32, k: u32) -> vec2<u32> {
  let byte = at + (k % 256u) / 128u * 32u + k % 32u;
  let shift = (k / 32u) % 4u * 2u;
  return (vec2<u32>(word_at(byte), word_at(byte + 4u)) >> vec2<u32>(shift)) & vec2<u32>(0x03030303u);
}
