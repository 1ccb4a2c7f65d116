// Levels of 16 codes: signed bytes in four words, LEVELS.
fn level_of(code: u32) -> f32 { return f32(bitcast<i32>(LEVELS[code / 4u] << (24u - code % 4u * 8u)) >> 24u); }

fn levels_of(word: u32) -> vec4<f32> {
  let codes = nibbles_of(word);
  return vec4<f32>(level_of(codes.x), level_of(codes.y), level_of(codes.z), level_of(codes.w));
}

fn level_byte_of(code: u32, place: u32) -> u32 { return ((LEVELS[code / 4u] >> (code % 4u * 8u)) & 255u) << (8u * place); }

fn level_bytes_of(word: u32) -> u32 {
  let codes = nibbles_of(word);
  return level_byte_of(codes.x, 0u) | level_byte_of(codes.y, 1u) | level_byte_of(codes.z, 2u) | level_byte_of(codes.w, 3u);
}
