// 4 scales e4m3, unsigned, of 16 codes each, halved; for each 8 bytes of nibbles, the low ones first. The pattern of NaN counts as zero.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let bits = byte_at(block_of(row, k) + (k % 64u) / 16u) & 0x7fu;
  let normal = bitcast<f32>((bits + 952u) << 20u);
  let scale = select(normal, f32(bits) * 0x1p-10f, bits < 8u);
  return vec2<f32>(select(scale, 0.0, bits == 0x7fu), 0.0);
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = block_of(row, k) + 4u + (k % 64u) / 16u * 8u;
  let shift = (k % 16u) / 8u * 4u;
  return array<vec4<f32>, 2>(levels_of(word_at(at) >> shift), levels_of(word_at(at + 4u) >> shift));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = block_of(row, k) + 4u + (k % 64u) / 16u * 8u;
  let shift = (k % 16u) / 8u * 4u;
  return vec2<u32>(level_bytes_of(word_at(at) >> shift), level_bytes_of(word_at(at + 4u) >> shift));
}
