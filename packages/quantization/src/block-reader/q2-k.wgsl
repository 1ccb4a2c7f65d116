// 16 scales (low nibble) and minimums (high nibble) of 16 codes each; 64 bytes of 2-bit codes; f16 scale and f16 minimum of the block.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let block = block_of(row, k);
  let packed = byte_at(block + (k % 256u) / 16u);
  return unpack2x16float(word_at(block + 80u)) * vec2<f32>(f32(packed & 15u), f32(packed >> 4u));
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let codes = crumbs_at(block_of(row, k) + 16u, k);
  return array<vec4<f32>, 2>(vec4<f32>(codes[0]), vec4<f32>(codes[1]));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> { return crumb_bytes_at(block_of(row, k) + 16u, k); }
