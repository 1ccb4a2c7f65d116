// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, f16 scale of the block; code − 32. Each half of 128 weights is four
// runs of 32: runs 0 and 1 are the low nibbles of 64 bytes, runs 2 and 3 the high ones; run r has the bit pair r of 32 bytes.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let block = block_of(row, k);
  let scale = bitcast<i32>(byte_at(block + 192u + (k % 256u) / 16u) << 24u) >> 24u;
  return vec2<f32>(half_at(block + 208u) * f32(scale), 0.0);
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let block = block_of(row, k);
  let half = (k % 256u) / 128u;
  let run = (k / 32u) % 4u;
  let low = block + half * 64u + k % 64u;
  let high = block + 128u + half * 32u + k % 32u;
  let shift = run / 2u * 4u;
  return array<vec4<f32>, 2>(six_bits_of(word_at(low) >> shift, word_at(high) >> (run * 2u)), six_bits_of(word_at(low + 4u) >> shift, word_at(high + 4u) >> (run * 2u)));
}

fn six_bits_of(low: u32, high: u32) -> vec4<f32> {
  let pairs = (vec4<u32>(high) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(3u);
  return vec4<f32>(nibbles_of(low) | (pairs << vec4<u32>(4u))) - 32.0;
}

fn six_bit_bytes_of(low: u32, high: u32) -> u32 { return bytes_less(nibble_bytes_of(low) | ((high & 0x03030303u) << 4u), 32u); }

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let block = block_of(row, k);
  let half = (k % 256u) / 128u;
  let run = (k / 32u) % 4u;
  let low = block + half * 64u + k % 64u;
  let high = block + 128u + half * 32u + k % 32u;
  let shift = run / 2u * 4u;
  return vec2<u32>(six_bit_bytes_of(word_at(low) >> shift, word_at(high) >> (run * 2u)), six_bit_bytes_of(word_at(low + 4u) >> shift, word_at(high + 4u) >> (run * 2u)));
}
