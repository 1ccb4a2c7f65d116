// Vector steps shared by the kernels.

/** a · b + c, fused where the build has it. */
@inline export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** 4 f16 at `p` to f32: the bits move to f32's places (0x8fffe000 keeps sign, exponent, fraction), and 2^112 repairs the exponent bias; exact for every finite value. */
@inline export function f16Floats(p: usize, bits: v128, bias: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v128.load16x4_s(p), 13), bits), bias)
}

/** 4 bytes of the 8 at `p`, those of one quad, as f32. */
@inline export function u8Floats(p: usize, quad: i32): v128 {
  const h = v128.load8x8_u(p)
  return f32x4.convert_i32x4_s(quad == 0 ? i32x4.extend_low_i16x8_s(h) : i32x4.extend_high_i16x8_s(h))
}

@inline export function i8Floats(p: usize, quad: i32): v128 {
  const h = v128.load8x8_s(p)
  return f32x4.convert_i32x4_s(quad == 0 ? i32x4.extend_low_i16x8_s(h) : i32x4.extend_high_i16x8_s(h))
}

/** Pairs of adjacent lanes of two vectors summed: [a0+a1, a2+a3, b0+b1, b2+b3]. */
@inline export function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
}

/** Stores (or adds to) `rows` ≤ 8 results. */
export function store8(y: usize, rows: i32, low: v128, high: v128): void {
  if (rows >= 8) {
    v128.store(y, low)
    v128.store(y, high, 16)
    return
  }
  if (rows > 0) f32.store(y, f32x4.extract_lane(low, 0))
  if (rows > 1) f32.store(y, f32x4.extract_lane(low, 1), 4)
  if (rows > 2) f32.store(y, f32x4.extract_lane(low, 2), 8)
  if (rows > 3) f32.store(y, f32x4.extract_lane(low, 3), 12)
  if (rows > 4) f32.store(y, f32x4.extract_lane(high, 0), 16)
  if (rows > 5) f32.store(y, f32x4.extract_lane(high, 1), 20)
  if (rows > 6) f32.store(y, f32x4.extract_lane(high, 2), 24)
}

/** The first ≤ 4 of `rows` values at p, zeros behind them; never reads beyond. */
export function load4(p: usize, rows: i32): v128 {
  if (rows >= 4) return v128.load(p)
  let v = f32x4.splat(0)
  if (rows > 0) v = f32x4.replace_lane(v, 0, f32.load(p))
  if (rows > 1) v = f32x4.replace_lane(v, 1, f32.load(p, 4))
  if (rows > 2) v = f32x4.replace_lane(v, 2, f32.load(p, 8))
  return v
}
