// Bits of the f16 nearest to x, ties to even: pack2x16float leaves the rounding to the implementation, and caches must be equal on
// all devices.
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
  // Below 2^-14 an f16 counts steps of 2^-24.
  let shift = 126u - (magnitude >> 23u);
  if (shift > 24u) { return sign; }
  let fraction = (magnitude & 0x7fffffu) | 0x800000u;
  let steps = fraction >> shift;
  let rest = fraction & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return sign | (steps + select(0u, 1u, rest > half || (rest == half && (steps & 1u) == 1u)));
}
