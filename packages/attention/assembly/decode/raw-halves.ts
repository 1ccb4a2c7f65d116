import { halfMask } from '@tessera-llm/wasm/assembly/lib'

// f16 elements widened without a product each: shifting f16 bits into f32 position scales the value by 2^−112. The
// other factor is scaled once instead: weights by 2^112; queries by 2^100, so that none overflows, with the rest in the
// scale of the scores. Both words of eight elements are made at once, so that eight take five instructions, of which
// two need the ports of products.

export const WEIGHT_FACTOR: f32 = 5.192296858534828e33
export const QUERY_FACTOR: f32 = 1.2676506002282294e30

/** Sign, and the bits of exponent and fraction in the upper word of an f32, of each of eight elements. */
@inline
export function wordMask(): v128 {
  return v128.shuffle<i16>(halfMask(), halfMask(), 1, 1, 3, 3, 5, 5, 7, 7)
}

/** Upper words of eight f16 elements times 2^−112 as f32. */
@inline
export function highHalves(halves: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_s(halves, 3), mask)
}

/** Lower words. */
@inline
export function lowHalves(halves: v128): v128 {
  return i16x8.shl(halves, 13)
}

/** The first four elements. */
@inline
export function firstHalves(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11)
}

/** The last four elements. */
@inline
export function lastHalves(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15)
}

/** Factor that turns sums of products with such keys into scores. */
@inline
export function scoreFactor(scale: f32, shift: u32): f32 {
  return shift == 2 ? scale : scale * 4096
}
