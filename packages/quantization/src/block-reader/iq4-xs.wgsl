// f16 scale of the block; 8 scales of 6 bits: two high bits each in a u16, low nibbles in 4 bytes; scale − 32; 16 bytes of nibbles for each 32.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let block = block_of(row, k);
  let group = (k % 256u) / 32u;
  let head = word_at(block);
  let low = (word_at(block + 4u) >> (group * 4u)) & 15u;
  let high = (head >> (16u + group * 2u)) & 3u;
  return vec2<f32>(unpack2x16float(head).x * (f32(low | (high << 4u)) - 32.0), 0.0);
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = block_of(row, k) + 8u + (k % 256u) / 32u * 16u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return array<vec4<f32>, 2>(levels_of(word_at(at) >> shift), levels_of(word_at(at + 4u) >> shift));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = block_of(row, k) + 8u + (k % 256u) / 32u * 16u + k % 16u;
  let shift = (k % 32u) / 16u * 4u;
  return vec2<u32>(level_bytes_of(word_at(at) >> shift), level_bytes_of(word_at(at + 4u) >> shift));
}
