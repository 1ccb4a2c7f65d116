// Four codes of BITS bits as bytes of a word, each less LESS (at most 128).
fn code_bytes_of(word: u32) -> u32 {
  if (BITS == 8u) { return word ^ 0x80808080u; }
  let spread = (word & MASK) | ((word & (MASK << BITS)) << (8u - BITS)) | ((word & (MASK << (2u * BITS))) << (16u - 2u * BITS)) | ((word & (MASK << (3u * BITS % 32u))) << ((24u - 3u * BITS) % 32u));
  return ((spread | 0x80808080u) - LESS * 0x01010101u) ^ 0x80808080u;
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = row * ROW_BYTES + k / 8u * BITS;
  let first = code_word_at(at);
  var second = first >> ((4u * BITS) % 32u);
  if (BITS == 8u) { second = code_word_at(at + 4u); }
  return vec2<u32>(code_bytes_of(first), code_bytes_of(second));
}
