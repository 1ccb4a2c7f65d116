// e2m1 as signed bytes, doubled.
fn level_byte_of(code: u32, place: u32) -> u32 { return ((LEVELS[code / 4u] >> (code % 4u * 8u)) & 255u) << (8u * place); }

fn level_bytes_of(word: u32) -> u32 { return level_byte_of(word & 15u, 0u) | level_byte_of((word >> 4u) & 15u, 1u) | level_byte_of((word >> 8u) & 15u, 2u) | level_byte_of((word >> 12u) & 15u, 3u); }

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let word = code_word_at(row * ROW_BYTES + k / 8u * BITS);
  return vec2<u32>(level_bytes_of(word), level_bytes_of(word >> 16u));
}

fn packed_scale_of(row: u32, k: u32) -> vec2<f32> { return scale_of(row, k) * 0.5; }
