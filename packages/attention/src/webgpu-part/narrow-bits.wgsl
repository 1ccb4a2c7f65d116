// Bits of the narrower float nearest to an f32, ties to even: pack2x16float leaves the rounding to the implementation, and caches must
// be equal on all devices.

// Below its smallest normal value a format counts equal steps: those in a magnitude whose significand lies `shift` places too high.
fn steps_of(magnitude: u32, shift: u32) -> u32 {
  if (shift > 24u) { return 0u; }
  let fraction = (magnitude & 0x7fffffu) | 0x800000u;
  let steps = fraction >> shift;
  let rest = fraction & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return steps + select(0u, 1u, rest > half || (rest == half && (steps & 1u) == 1u));
}

fn half_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return 0x7e00u; }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude >= 0x38800000u) {
    let rebased = magnitude - 0x38000000u;
    return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
  }
  // Steps of 2^-24.
  return sign | steps_of(magnitude, 126u - (magnitude >> 23u));
}

// e4m3, of finite values within its range.
fn fp8_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let sign = (bits >> 24u) & 0x80u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x3c800000u) { return sign | ((magnitude - 0x3c000000u + 0x7ffffu + ((magnitude >> 20u) & 1u)) >> 20u); }
  // Steps of 2^-9.
  return sign | steps_of(magnitude, 141u - (magnitude >> 23u));
}
