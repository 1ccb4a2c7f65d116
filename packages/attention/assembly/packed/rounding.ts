import { madd, maxLanes, scalar, ROUNDER } from '@tessera-llm/wasm/assembly/lib'

// Rounds scaled queries and weights to integers of 16 bits, which are multiplied with codes. The largest of a line
// becomes the largest integer, so each is off by at most 2^-16 of the largest (2^-15 for heads of 512), and times a code
// by a 128th of what the code itself may be off by in the largest channel. Weights of rows are off by 2^-17, or 2^-15
// where bytes are taken as signed. For products of bytes the integers are cut in two: 256 · high + low, both signed; of
// weights, which are not negative, both unsigned.

/** Largest magnitudes: of i16, and of two signed bytes whose high one is at most 127. */
const LIMIT: u32 = 32767
const SPLIT_LIMIT: u32 = 32639

/**
 * Rounds `count` numbers (a multiple of 4, with room for 4 more) such that x ≈ factor · integer, in the order of the
 * codes of words: for 4 bits pairs 0 4, 1 5, 2 6, 3 7 of each eight, for 2 bits pairs 0 8, 1 9, … of each sixteen; with
 * `split`, four high bytes and four low ones, for 4 bits those of 0 2 4 6 and 1 3 5 7, for 2 bits of 0 4 8 12, 1 5 9 13
 * and so on. `factor` holds the largest magnitude, and then the factor.
 */
export function roundLine(x: usize, count: u32, bits: u32, split: bool, to: usize, factor: usize): void {
  const most = load<f32>(factor)
  let limit = split ? SPLIT_LIMIT : LIMIT
  // Sums of products with codes of up to 255 fit 32 bits.
  if (bits == 8) limit = min<u32>(limit, 8388608 / count)
  store<f32>(factor, inverseOf(most, <f32>limit))
  // Loaded, because V8 moves a division into the loop.
  const inverse = v128.load32_splat(factor)
  store<f32>(factor, factorOf(most, <f32>limit))
  if ((count & 4) != 0) v128.store(x + ((<usize>count) << 2), f32x4.splat(0))
  const end = x + ((<usize>(count + 7) & ~7) << 2)
  if (bits == 8) {
    if (split) {
      for (; x < end; x += 32, to += 16) {
        const bytes = splitBytes(roundEight(x, inverse))
        v128.store(to, v128.shuffle<i32>(bytes, bytes, 0, 2, 1, 3))
      }
    } else for (; x < end; x += 32, to += 16) v128.store(to, roundEight(x, inverse))
  } else if (bits == 4) {
    if (split)
      for (; x < end; x += 32, to += 16) {
        const bytes = splitBytes(roundEight(x, inverse))
        v128.store(to, v128.shuffle<i8>(bytes, bytes, 0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15))
      }
    else
      for (; x < end; x += 32, to += 16) {
        const all = roundEight(x, inverse)
        v128.store(to, v128.shuffle<i16>(all, all, 0, 4, 1, 5, 2, 6, 3, 7))
      }
  } else if (split)
    for (; x < end; x += 64, to += 32) {
      const a = splitBytes(roundEight(x, inverse))
      const b = splitBytes(roundEight(x + 32, inverse))
      v128.store(to, v128.shuffle<i8>(a, b, 0, 4, 16, 20, 8, 12, 24, 28, 1, 5, 17, 21, 9, 13, 25, 29))
      v128.store(to, v128.shuffle<i8>(a, b, 2, 6, 18, 22, 10, 14, 26, 30, 3, 7, 19, 23, 11, 15, 27, 31), 16)
    }
  else
    for (; x < end; x += 64, to += 32) {
      const a = roundEight(x, inverse)
      const b = roundEight(x + 32, inverse)
      v128.store(to, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11))
      v128.store(to, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16)
    }
}

/** Sum of `count` integers that `roundLine` cut into bytes for codes of 8 bits. */
export function sumOfBytes(from: usize, count: u32): i32 {
  let sum = i32x4.splat(0)
  for (const end = from + ((<usize>(count + 7) & ~7) << 1); from < end; from += 16)
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(from))))
  return (
    ((i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 2)) << 8) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 3)
  )
}

/**
 * Rounds `count` weights (not negative; a multiple of 8) for values in rows of bytes, times their scales: to i16; or
 * with `bytes` of 8 or 7 bits to four high ones and four low ones after each other. Returns the factor.
 */
export function roundWeights(x: usize, scales: usize, count: u32, bytes: u32, scaled: usize, to: usize): f32 {
  let largest = f32x4.splat(0)
  let other = largest
  for (let i: usize = 0; i < (<usize>count) << 2; i += 32) {
    const a = f32x4.mul(v128.load(x + i), v128.load(scales + i))
    const b = f32x4.mul(v128.load(x + i, 16), v128.load(scales + i, 16))
    v128.store(scaled + i, a)
    v128.store(scaled + i, b, 16)
    largest = f32x4.pmax(largest, a)
    other = f32x4.pmax(other, b)
  }
  const most = maxLanes(f32x4.pmax(largest, other))
  const limit: f32 = bytes == 0 ? 32767 : bytes == 8 ? 65535 : 16383
  store<f32>(to, inverseOf(most, limit))
  const inverse = v128.load32_splat(to)
  const end = scaled + ((<usize>count) << 2)
  if (bytes == 0) for (; scaled < end; scaled += 32, to += 16) v128.store(to, roundEight(scaled, inverse))
  else {
    for (; scaled < end; scaled += 32, to += 16) {
      const all = i16x8.narrow_i32x4_u(roundFour(v128.load(scaled), inverse), roundFour(v128.load(scaled, 16), inverse))
      const high = bytes == 8 ? i16x8.shr_u(all, 8) : i16x8.shr_u(all, 7)
      const low = bytes == 8 ? i16x8.shr_u(i16x8.shl(all, 8), 8) : i16x8.shr_u(i16x8.shl(all, 9), 9)
      const both = i8x16.narrow_i16x8_u(high, low)
      v128.store(to, v128.shuffle<i32>(both, both, 0, 2, 1, 3))
    }
  }
  return factorOf(most, limit)
}

/**
 * Rounds `count` numbers (a multiple of 8) to i16, so small that sums of products with codes of up to 127 fit 32 bits.
 * Returns the factor.
 */
export function roundPairs(x: usize, count: u32, to: usize): f32 {
  let largest = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(x + i)))
  const most = maxLanes(largest)
  const limit = <f32>min<u32>(LIMIT, 16777216 / count)
  store<f32>(to, inverseOf(most, limit))
  const inverse = v128.load32_splat(to)
  for (let i: usize = 0; i < count; i += 8) v128.store(to + (i << 1), roundEight(x + (i << 2), inverse))
  return factorOf(most, limit)
}

/** High bytes of eight, then low bytes. */
@inline
function splitBytes(all: v128): v128 {
  const low = i16x8.shr_s(i16x8.shl(all, 8), 8)
  return i8x16.narrow_i16x8_s(i16x8.shr_s(i16x8.sub(all, low), 8), low)
}

@inline
function roundEight(x: usize, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(roundFour(v128.load(x), inverse), roundFour(v128.load(x, 16), inverse))
}

/** Returns 0 for numbers whose reciprocal would overflow. */
@inline
function inverseOf(most: f32, codes: f32): f32 {
  return most < 1e-30 ? 0 : codes / most
}

@inline
function factorOf(most: f32, codes: f32): f32 {
  return most < 1e-30 ? 0 : most / codes
}

/** Adding 1.5 · 2^23 rounds to the nearest integer, which is then in the low bits. */
@inline
function roundFour(x: v128, inverse: v128): v128 {
  const rounder = scalar(ROUNDER)
  return i32x4.sub(madd(x, inverse, rounder), rounder)
}
