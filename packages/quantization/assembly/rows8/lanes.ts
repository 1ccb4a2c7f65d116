import { rebias } from '@tessera-llm/wasm/assembly/lib'

export { dotAdd } from '@tessera-llm/wasm/assembly/lib'

// Vector steps shared by the kernels.

/**
 * 4 f16 at `p` to f32: the bits move to f32's places (0x8fffe000 keeps sign, exponent, fraction), and 2^112 repairs the
 * exponent bias; exact for every finite value. A third of the instructions of `loadHalf4`, and many times as slow where
 * a number is subnormal in f16: for scales of blocks, which hardly ever are.
 */
@inline
export function f16Floats(p: usize, bits: v128, bias: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v128.load16x4_s(p), 13), bits), bias)
}

@inline
export function brainFloats(p: usize): v128 {
  return i32x4.shl(v128.load16x4_u(p), 16)
}

/** 4 unsigned e4m3 of the 8 at `p`, those of one quad, halved. */
@inline
export function e4m3Floats(p: usize, quad: i32): v128 {
  const h = v128.load8x8_u(p)
  return rebias(i32x4.shl(quad == 0 ? i32x4.extend_low_i16x8_u(h) : i32x4.extend_high_i16x8_u(h), 20), 119)
}

/** 4 of 8 integers of 16 bits, those of one quad, as f32. */
@inline
export function i16Floats(h: v128, quad: i32): v128 {
  return f32x4.convert_i32x4_s(quad == 0 ? i32x4.extend_low_i16x8_s(h) : i32x4.extend_high_i16x8_s(h))
}

/** 4 bytes of the 8 at `p`, those of one quad, as f32. */
@inline
export function u8Floats(p: usize, quad: i32): v128 {
  return i16Floats(v128.load8x8_u(p), quad)
}

@inline
export function i8Floats(p: usize, quad: i32): v128 {
  return i16Floats(v128.load8x8_s(p), quad)
}

/** Pairs of adjacent lanes of two vectors summed: [a0+a1, a2+a3, b0+b1, b2+b3]. */
@inline
export function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
}

/** 16 products of signed x and codes below 128, summed in pairs to i16. */
@inline
export function dot8(x: v128, codes: v128): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return x
  return i16x8.relaxed_dot_i8x16_i7x16_s(x, codes)
}

/** 8 products of 16-bit values, summed in pairs to i32. */
@inline
export function dot16(x: v128, codes: v128): v128 {
  return i32x4.dot_i16x8_s(x, codes)
}

@inline
export function widened(a: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(a)
}
