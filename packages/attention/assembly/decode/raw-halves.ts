// f16 elements widened without a product each: shifting f16 bits into f32 position scales the value by 2^−112. The
// other factor is scaled once instead: weights by 2^112; queries by 2^100, so that none overflows, with the rest in the
// scale of the scores.

export const WEIGHT_FACTOR: f32 = 5.192296858534828e33
export const QUERY_FACTOR: f32 = 1.2676506002282294e30

/** Loads four elements; f16 ones come out times 2^−112. */
@inline
export function loadRaw(row: usize, shift: u32, mask: v128): v128 {
  return shift == 2 ? v128.load(row) : v128.and(i32x4.shl(v128.load_ext<i16>(row), 13), mask)
}

/** Loads the next four elements. */
@inline
export function loadNext(row: usize, shift: u32, mask: v128): v128 {
  return shift == 2 ? v128.load(row, 16) : v128.and(i32x4.shl(v128.load_ext<i16>(row, 8), 13), mask)
}

/** Factor that turns sums of `loadRaw` products into scores. */
@inline
export function scoreFactor(scale: f32, shift: u32): f32 {
  return shift == 2 ? scale : scale * 4096
}
