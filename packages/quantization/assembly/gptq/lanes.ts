// Panels of 8 rows: f32 [columns][8], two vectors a column, so that one column of 8 rows is worked on at a time.

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

// @ts-ignore: decorator
@inline
export function splat(address: usize): v128 {
  return v128.load32_splat(address)
}

/** The least and the largest of two, where neither is NaN. */
// @ts-ignore: decorator
@inline
export function least(a: v128, b: v128): v128 {
  return f32x4.pmin(a, b)
}

// @ts-ignore: decorator
@inline
export function most(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b)
}

/** Grid parameters of the kernels: 32-bit fields at `p`. */
// 0 isTable, 4 last code, 8 isSymmetric, 12 bits of a scale's fraction cut off (0 f32, 13 f16, 16 bf16), 16 candidates,
// 20 first factor f32, 24 step f32, 28 table f32*, 32 middles f32* between its values, 36 middle code, 40 zeros that are tried, 44 largest value of the table

/** Scales rounded to what they are stored as: Veltkamp's splitting keeps the leading bits; f16 below 2^-14 is a multiple of 2^-24. */
// @ts-ignore: decorator
@inline
export function roundScale(scale: v128, cut: i32): v128 {
  if (cut == 0) return scale
  const scaled = f32x4.mul(scale, f32x4.splat(<f32>((1 << cut) + 1)))
  const rounded = f32x4.sub(scaled, f32x4.sub(scaled, scale))
  if (cut != 13) return rounded
  // Sums from 0.5 to 1 have steps of 2^-24.
  const magic = f32x4.splat(0.75)
  const small = f32x4.sub(f32x4.add(scale, magic), magic)
  return v128.bitselect(small, rounded, f32x4.lt(f32x4.abs(scale), f32x4.splat(6.103515625e-5)))
}
