// Vectors that the device writes at the bottom of the arena (src/memory/constants.ts). Loading one keeps it in a
// register; some engines rematerialize a splatted constant in each loop iteration.

const BASE: usize = 64

@inline
export function nibbleMask(): v128 {
  return v128.load(BASE)
}

@inline
export function halfMask(): v128 {
  return v128.load(BASE, 16)
}

@inline
export function halfBias(): v128 {
  return v128.load(BASE, 32)
}

/** Bit 4 of every byte, or bits 4 and 5. */
@inline
export function highMask(bits: i32): v128 {
  return bits == 1 ? v128.load(BASE, 48) : v128.load(BASE, 64)
}

/** The lowest two bits of every byte. */
@inline
export function crumbMask(): v128 {
  return v128.load(BASE, 80)
}

/** Bit 2 of every byte. */
@inline
export function thirdMask(): v128 {
  return v128.load(BASE, 96)
}

/** The 16 levels of IQ4_NL. */
@inline
export function iq4Table(): v128 {
  return v128.load(BASE, 112)
}

/** The 16 values of e2m1, doubled, plus 12. */
@inline
export function e2m1Table(): v128 {
  return v128.load(BASE, 128)
}

/** Numbers that are splatted when loaded; `SCALARS` in src/memory/constants.ts has the same order. */
const SCALARS: usize = BASE + 144

export const EXP_LOWEST: u32 = 0
export const EXP_HIGHEST: u32 = 1
export const LOG2_E: u32 = 2
export const ROUNDER: u32 = 3
export const LN2_LOW: u32 = 4
export const LN2_HIGH: u32 = 5
export const ONE: u32 = 6
/** Coefficients of e^x from degree 7 to 2, and of 2^x from degree 6 to 1 with the lowest x before them. */
export const EXP_SERIES: u32 = 7
export const EXP2_LOWEST: u32 = 13
export const EXP2_SERIES: u32 = 14
/** Bits: exponent and fraction of an f16 in f32's places, and 112 and 113 in exponents. */
export const HALF_MAGNITUDE: u32 = 20
export const HALF_BIAS: u32 = 21
export const HALF_BIAS_MORE: u32 = 22
export const SIGN: u32 = 23
/** Bits: the low 4 and 2 of every 16; none, and the highest of every byte. */
export const LOW_4: u32 = 24
export const LOW_2: u32 = 25
export const NO_BITS: u32 = 26
export const BYTE_SIGNS: u32 = 27

@inline
export function scalar(index: u32): v128 {
  return v128.load32_splat(SCALARS + ((<usize>index) << 2))
}
