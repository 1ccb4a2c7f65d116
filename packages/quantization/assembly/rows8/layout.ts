// The packed layouts `…/rows8`, as the kernels read them. A weight [N, K] is a sequence of groups of 8 rows; a group is
// a sequence of blocks of 32 columns (⌈K / 32⌉: the last is filled up with anything). The 8 rows are two quads of 4. A
// code vector holds 4 columns of 4 rows: lane r (32 bits) is row r of the quad, its bytes are the columns in order.
// So sums over columns stay within a lane, without a horizontal sum. Vector t has columns 4t … 4t+3.
//
// A block is a head of scales, then codes; before each `superBlocks` blocks lie fields that they share. Fields hold one
// value for each of the 8 rows. A layout is a way to store codes and a way to store scales; sizes, zero and
// `superBlocks` are run-time numbers. value = scale · (code − zero) + offset.

/** How codes are stored. */
/** 8 × (quad 0, quad 1) vectors of signed codes */
export const BYTES: i32 = 0
/**
 * 4 × (quad 0, quad 1); vector t has the codes of vector t in the low nibbles, those of vector 4 + t in the high ones
 */
export const NIBBLES: i32 = 1
/** NIBBLES, then (quad 0, quad 1) whose byte has in bit t the fifth bit of vector t */
export const NIBBLES_1: i32 = 2
/**
 * NIBBLES, then (quad 0, quad 1) for vectors 0 … 3 and again for 4 … 7, whose byte has in bits 2t, 2t+1 the high bits
 * of the t-th of them
 */
export const NIBBLES_2: i32 = 3
/** nibbles that index the values of e2m1, doubled, plus 12 */
export const E2M1: i32 = 4
/** nibbles that index the levels of IQ4: signed codes */
export const IQ4: i32 = 5
/** 2 × (quad 0, quad 1) of 2-bit codes; bits 2j, 2j+1 of vector u belong to vector 4u + j */
export const CRUMBS: i32 = 6
/**
 * 3 × (quad 0, quad 1) of 3-bit codes; bits 0 … 2 and 3 … 5 of vector u belong to vectors 2u and 2u + 1. Vector 6 has
 * its low bits in bits 6 and 7 of vector 0 and its third bit in bit 6 of vector 2; vector 7 has them in vector 1 and in
 * bit 7
 */
export const OCTALS: i32 = 7
/** nibbles that index 16 levels of 16 bits, which follow the layout's words */
export const LEVELS: i32 = 8
/** 8 × (quad 0, quad 1) vectors of floats of 8 bits */
export const E4M3: i32 = 9
export const E5M2: i32 = 10
/** crumbs, and octals, that index levels as above */
export const LEVELS_2: i32 = 11
export const LEVELS_3: i32 = 12

/** Storage kinds of scales; heads are in the order named. */
/** scale f16 */
export const HALF: i32 = 0
/** scale f16, offset f16 */
export const HALF_OFFSET: i32 = 1
/** shared f16 d and f16 m; scale u8 (times d), minimum u8 (offset −m times it) */
export const U8_OFFSET: i32 = 2
/** shared f16 d; scale i8 */
export const I8: i32 = 3
/** shared f16 d; scale i8 of columns 0 … 15, then of 16 … 31 */
export const I8_HALVES: i32 = 4
/** shared f16 d and f16 m; scales u8 of both halves, minimums u8 of both */
export const U8_HALVES_OFFSET: i32 = 5
/** scale bf16 */
export const BRAIN: i32 = 6
/** unsigned e4m3 of both halves; the scale is half of it */
export const E4M3_HALVES: i32 = 7
/** shared f32 scale */
export const SHARED: i32 = 8
/** shared f32 scale, f32 offset */
export const SHARED_OFFSET: i32 = 9
/** shared f16 scale */
export const SHARED_HALF: i32 = 10
/** shared f16 scale, zero u8 (offset −scale times it) */
export const SHARED_HALF_ZERO: i32 = 11

/** Whether columns 0 … 15 and 16 … 31 of a block have scales of their own. */
@inline
export function hasHalves(form: i32): bool {
  return form == I8_HALVES || form == U8_HALVES_OFFSET || form == E4M3_HALVES
}

@inline
export function hasOffset(form: i32): bool {
  return (
    form == HALF_OFFSET ||
    form == U8_OFFSET ||
    form == U8_HALVES_OFFSET ||
    form == SHARED_OFFSET ||
    form == SHARED_HALF_ZERO
  )
}

/** Whether codes index levels of 16 bits. */
@inline
export function hasLevels(codes: i32): bool {
  return codes == LEVELS || codes == LEVELS_2 || codes == LEVELS_3
}

/** Products of 8 bits need unsigned codes below 64 and relaxed SIMD; everything else widens to 16 bits. */
@inline
export function isWide(codes: i32): bool {
  return !ASC_FEATURE_RELAXED_SIMD || codes == BYTES || codes == IQ4 || hasLevels(codes)
}

/** Number of pair sums that i16 holds: a pair sum is at most 254 times the largest code. A power of two, at most 8. */
@inline
export function sumsInI16(codes: i32): i32 {
  return codes == NIBBLES_2 ? 2 : codes == NIBBLES_1 || codes == E2M1 ? 4 : 8
}

/**
 * Whether sums start at −zero · Σ q, q the rounded activations, and may wrap on the way. Codes are large, but with the
 * zero in their middle the whole sum of the columns that share a scale fits i16. A lane has 16 columns, or 8 with
 * halves: 127 · 16 · 16 (5 bits, E2M1) and 127 · 32 · 8 (6 bits).
 */
@inline
export function mayWrap(codes: i32, form: i32): bool {
  return !isWide(codes) && !hasOffset(form) && sumsInI16(codes) < 8
}

/** The description of a weight in an argument block: words from `at` on. */
@inline
export function codesAt(at: usize): i32 {
  return load<i32>(at)
}
@inline
export function formAt(at: usize): i32 {
  return load<i32>(at, 4)
}
/** Bytes of a block before its codes. */
@inline
export function headBytesAt(at: usize): usize {
  return load<u32>(at, 8)
}
@inline
export function blockBytesAt(at: usize): usize {
  return load<u32>(at, 12)
}
/** Bytes of the fields that blocks share. */
@inline
export function superBytesAt(at: usize): usize {
  return load<u32>(at, 16)
}
/** Number of blocks that share fields. */
@inline
export function superBlocksAt(at: usize): i32 {
  return load<i32>(at, 20)
}
@inline
export function zeroAt(at: usize): i32 {
  return load<i32>(at, 24)
}
/** Address of the 16 levels: their low bytes, then their high bytes. */
@inline
export function levelsAt(at: usize): usize {
  return at + 28
}

/** Bytes of a group of 8 rows with `blocks` blocks of 32 columns. */
@inline
export function groupBytesAt(at: usize, blocks: i32): usize {
  return (
    <usize>blocks * blockBytesAt(at) + <usize>((blocks + superBlocksAt(at) - 1) / superBlocksAt(at)) * superBytesAt(at)
  )
}
