// 32 bytes of high bits, 64 of 2-bit codes, 16 scales of 6 bits in 12 bytes, f16 scale of the block; scale − 32; a cleared high bit means code − 4.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let block = block_of(row, k);
  let group = (k % 256u) / 16u;
  let low = (byte_at(block + 96u + group % 8u) >> (group / 8u * 4u)) & 15u;
  let high = (byte_at(block + 104u + group % 4u) >> (group / 4u * 2u)) & 3u;
  return vec2<f32>(half_at(block + 108u) * (f32(low | (high << 4u)) - 32.0), 0.0);
}

fn third_bits_of(word: u32, run: u32) -> vec4<u32> { return ((vec4<u32>(word >> run) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(1u)) << vec4<u32>(2u); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let block = block_of(row, k);
  let run = (k % 256u) / 32u;
  let high = block + k % 32u;
  let codes = crumbs_at(block + 32u, k);
  return array<vec4<f32>, 2>(
    vec4<f32>(codes[0] | third_bits_of(word_at(high), run)) - 4.0,
    vec4<f32>(codes[1] | third_bits_of(word_at(high + 4u), run)) - 4.0,
  );
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let block = block_of(row, k);
  let run = (k % 256u) / 32u;
  let high = block + k % 32u;
  let bytes = crumb_bytes_at(block + 32u, k);
  return vec2<u32>(
    bytes_less(bytes.x | (((word_at(high) >> run) & 0x01010101u) << 2u), 4u),
    bytes_less(bytes.y | (((word_at(high + 4u) >> run) & 0x01010101u) << 2u), 4u),
  );
}
