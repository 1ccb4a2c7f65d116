// A panel holds 8 rows as f32 [columns][8], two vectors a column: kernels work on one column of 8 rows at a time.

/** Bytes of a column of a panel. */
export const COLUMN: usize = 32
/** Bytes of an entry in a list of candidates: error, scale and zero of 8 rows. */
export const ENTRY: usize = 3 * COLUMN

@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

@inline
export function splat(address: usize): v128 {
  return v128.load32_splat(address)
}

/** The smaller of two, where neither is NaN. */
@inline
export function least(a: v128, b: v128): v128 {
  return f32x4.pmin(a, b)
}

/** The larger of two, where neither is NaN. */
@inline
export function most(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b)
}

/**
 * Rounds scales to the type that they are stored as, of whose fraction `cut` bits are missing. Veltkamp's splitting
 * keeps the leading bits; below 2^-14, f16 is a multiple of 2^-24.
 */
@inline
export function roundScale(scale: v128, cut: i32): v128 {
  if (cut == 0) return scale
  const scaled = f32x4.mul(scale, f32x4.splat(<f32>((1 << cut) + 1)))
  const rounded = f32x4.sub(scaled, f32x4.sub(scaled, scale))
  if (cut != 13) return rounded
  // Adding 0.75 rounds to multiples of 2^-24: f32 from 0.5 to 1 has no finer ones.
  const magic = f32x4.splat(0.75)
  const small = f32x4.sub(f32x4.add(scale, magic), magic)
  return v128.bitselect(small, rounded, f32x4.lt(f32x4.abs(scale), f32x4.splat(6.103515625e-5)))
}
