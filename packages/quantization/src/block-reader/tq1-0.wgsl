// Ternary codes as digits of base-3 fractions of 256: 32 bytes of five, 16 of five, 4 of four; f16 scale; code − 1.
const POWERS = array<u32, 5>(1u, 3u, 9u, 27u, 81u);

fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(half_at(block_of(row, k) + 52u), 0.0); }

// Four codes from i (a multiple of 4) of the block on: the same digit of four bytes.
fn digits_of(block: u32, i: u32) -> vec4<f32> {
  var byte = i % 32u;
  var digit = i / 32u;
  if (i >= 240u) {
    byte = 48u;
    digit = (i - 240u) / 4u;
  } else if (i >= 160u) {
    byte = 32u + i % 16u;
    digit = (i - 160u) / 16u;
  }
  let bytes = (vec4<u32>(word_at(block + byte)) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u);
  return vec4<f32>((((bytes * POWERS[digit]) & vec4<u32>(255u)) * 3u) >> vec4<u32>(8u)) - 1.0;
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let block = block_of(row, k);
  return array<vec4<f32>, 2>(digits_of(block, k % 256u), digits_of(block, k % 256u + 4u));
}
