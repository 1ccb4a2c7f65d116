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

/**
 * How `i32x4.relaxed_dot_i8x16_i7x16_add_s` takes its second operand where it is one instruction of the processor: 1 as
 * unsigned bytes (AVX-VNNI), 2 as signed ones (Arm, AVX-VNNI-INT8). 0 where sums of two products saturate or wrap in 16
 * bits, which is what several instructions in its place do, or where a compiler gets it wrong.
 */
export function dotAdd(): u32 {
  const x = i8x16(-128, -128, -128, -128, 127, 127, 127, 127, 1, -2, 3, -4, 100, -100, 127, -128)
  const codes = i8x16(127, 127, 127, 127, 0, 1, 64, 127, 5, 6, 7, 8, 127, 126, 125, 124)
  // Sums wrap: the last one passes the largest integer with the first codes.
  const begun = i32x4(7, -1000000, 2000000000, 2147483600)
  const sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, codes, begun)
  if (i8x16.bitmask(i32x4.eq(sums, i32x4(-65017, -975616, 1999999982, -2147483593))) != 0xffff) return 0
  const bytes = i8x16(-1, -1, -128, -128, -1, -1, -1, -1, -128, -1, -127, -2, -56, -56, -56, -56)
  const signs = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, bytes, begun)
  if (i8x16.bitmask(i32x4.eq(signs, i32x4(-98041, -870460, 1999998989, 2147483400))) == 0xffff) return 1
  return i8x16.bitmask(i32x4.eq(signs, i32x4(33031, -1000508, 1999999501, -2147483640))) == 0xffff ? 2 : 0
}
