// Codes of a grid: BITS bits each (1 to 4, or 8), lowest first, rows from whole bytes on.
// Prelude: BITS, ROW_BYTES; grid_codes; values_of (of four codes).
const MASK = (1u << BITS) - 1u;

// The word that begins at any byte; what lies behind the last word is not read.
fn code_word_at(byte: u32) -> u32 {
  let shift = (byte % 4u) * 8u;
  let next = min((byte + 3u) / 4u, arrayLength(&grid_codes) - 1u);
  return (grid_codes[byte / 4u] >> shift) | ((grid_codes[next] << (31u - shift)) << 1u);
}

fn four_codes_of(word: u32) -> vec4<u32> { return (vec4<u32>(word) >> (vec4<u32>(0u, 1u, 2u, 3u) * BITS)) & vec4<u32>(MASK); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = row * ROW_BYTES + k / 8u * BITS;
  let first = code_word_at(at);
  var second = first >> ((4u * BITS) % 32u);
  if (BITS == 8u) { second = code_word_at(at + 4u); }
  return array<vec4<f32>, 2>(values_of(four_codes_of(first)), values_of(four_codes_of(second)));
}
