/**
 * Tests the relaxed instructions that kernels use against results that every build must give. Returns 0, or the number
 * of the first difference. (One browser engine's baseline compiler once gave wrong results for a relaxed dot product.)
 */
export function probe(): u32 {
  const codes = i8x16(0, 15, 1, 14, 2, 13, 3, 12, 127, 126, 125, 124, 0, 1, 64, 63)
  const x = i8x16(-127, 127, -1, 1, 127, -127, 100, -100, 127, 126, -127, -126, 5, -5, 64, -64)
  const dots = i16x8.relaxed_dot_i8x16_i7x16_s(x, codes)
  if (i8x16.bitmask(i16x8.eq(dots, i16x8(1905, 13, -1397, -900, 32005, -31499, -5, 64))) != 0xffff) return 1
  const fused = f32x4.relaxed_madd(f32x4.splat(3), f32x4.splat(5), f32x4.splat(-7))
  if (i8x16.bitmask(f32x4.eq(fused, f32x4.splat(8))) != 0xffff) return 2
  const negated = f32x4.relaxed_nmadd(f32x4.splat(3), f32x4.splat(5), f32x4.splat(-7))
  if (i8x16.bitmask(f32x4.eq(negated, f32x4.splat(-22))) != 0xffff) return 3
  return 0
}
