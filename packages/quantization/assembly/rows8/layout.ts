// The packed layouts `…/rows8`, as the kernels read them. A weight [N, K] is a sequence of groups of 8 rows; a group is a
// sequence of blocks of 32 columns. The 8 rows are two quads of 4. A code vector holds 4 columns of 4 rows: lane r (32 bits)
// is row r of the quad, its bytes are the columns in order. Sums over columns so stay within a lane, and no horizontal
// sum is ever needed.
//
//   nibbles   4 × (quad 0, quad 1) vectors; vector t has columns 4t … 4t+3 in the low nibbles, 16+4t … in the high ones
//   high 1    (quad 0, quad 1); bit t of a byte is the fifth bit of low nibble t, bit 4+t that of high nibble t
//   high 2    (quad 0, quad 1) for the low nibbles, then for the high ones; bits 2t, 2t+1 of a byte belong to vector t
//   bytes     8 × (quad 0, quad 1) vectors of signed codes; vector t has columns 4t … 4t+3
//
// Block contents in order (f16 and u8 fields hold one value for each of the 8 rows):

/** d f16, nibbles: d · (q − 8) */
export const Q4_0: i32 = 0
/** d f16, m f16, nibbles: d · q + m */
export const Q4_1: i32 = 1
/** d f16, nibbles, high 1: d · (q − 16) */
export const Q5_0: i32 = 2
/** d f16, m f16, nibbles, high 1: d · q + m */
export const Q5_1: i32 = 3
/** d f16, bytes: d · q */
export const Q8_0: i32 = 4
/** every 8 blocks d f16, dmin f16; each block scale u8, minimum u8, nibbles: d · scale · q − dmin · minimum */
export const Q4_K: i32 = 5
/** as Q4_K, with high 1 after the nibbles */
export const Q5_K: i32 = 6
/** every 8 blocks d f16; each block scale i8 of columns 0 … 15, scale i8 of columns 16 … 31, nibbles, high 2: d · scale · (q − 32) */
export const Q6_K: i32 = 7
@inline export function isByte(kind: i32): bool {
  return kind == Q8_0
}

@inline export function isK(kind: i32): bool {
  return kind == Q4_K || kind == Q5_K || kind == Q6_K
}

/** Whether columns 0 … 15 and 16 … 31 of a block have scales of their own. */
@inline export function hasHalves(kind: i32): bool {
  return kind == Q6_K
}

/** Whether a value is scale · code + offset with an offset that is not a multiple of the scale. */
@inline export function hasOffset(kind: i32): bool {
  return kind == Q4_1 || kind == Q5_1 || kind == Q4_K || kind == Q5_K
}

/** What is subtracted from a stored code. */
@inline export function zeroPoint(kind: i32): i32 {
  return kind == Q4_0 ? 8 : kind == Q5_0 ? 16 : kind == Q6_K ? 32 : 0
}

/** Bytes before the codes of a block. */
@inline export function headBytes(kind: i32): i32 {
  return kind == Q4_1 || kind == Q5_1 ? 32 : 16
}

@inline export function blockBytes(kind: i32): i32 {
  const high = kind == Q5_0 || kind == Q5_1 || kind == Q5_K ? 32 : kind == Q6_K ? 64 : 0
  return headBytes(kind) + (isByte(kind) ? 256 : 128) + high
}

/** Bytes before each 8 blocks. */
@inline export function superBytes(kind: i32): i32 {
  return kind == Q4_K || kind == Q5_K ? 32 : kind == Q6_K ? 16 : 0
}

/** Bytes of a group of 8 rows with `blocks` blocks of 32 columns. */
@inline export function groupBytes(kind: i32, blocks: i32): i32 {
  return blocks * blockBytes(kind) + (blocks >> 3) * superBytes(kind)
}
