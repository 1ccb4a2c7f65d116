import { addPairs } from './lanes'

// Rounded activations: scale = limit / levels and q = round-half-even(x · (levels / limit)), each operation rounded to
// f32, where limit is the largest magnitude of a block of 32 columns or of a token, of 4 bits 0.9 of it; or a given
// scale and x by its reciprocal. A record holds 32 columns of `columns` (1 or 4) tokens side by side, so that one
// pointer serves all: the codes of each token (32 i8 or 32 i16), then the fields below, one value for each token.

/** f32 scale */
export const SCALE: usize = 0
/**
 * i32 −zero · Σ q over the block, over its first and over its second half; of sums that may wrap, two i16: of columns
 * 4t, 4t+1 and of 4t+2, 4t+3
 */
export const ZERO: usize = 1
export const ZERO_LOW: usize = 2
export const ZERO_HIGH: usize = 3
/** f32 scale · Σ q over the block, over its first and over its second half */
export const SUM: usize = 4
export const SUM_LOW: usize = 5
export const SUM_HIGH: usize = 6
export const FIELDS: i32 = 7

/**
 * Rounding of activations: to 8 bits with a scale per 32 columns, or per token; none; to 8 bits with the given scale;
 * to 4 bits with a scale per token.
 */
export const BY_BLOCK: u32 = 0
export const BY_TOKEN: u32 = 1
export const NONE: u32 = 2
export const GIVEN: u32 = 3
export const BY_TOKEN_4: u32 = 4

/** 2^-100: x below it counts as zero, because its reciprocal would overflow. */
const SMALLEST: f32 = 7.888609052210118e-31

@inline
export function recordBytes(wide: bool, columns: i32): i32 {
  return columns * ((wide ? 64 : 32) + FIELDS * 4)
}

/**
 * Magnitudes of 4 values as integers, which have the same order: their `max` is one instruction, that of floats takes
 * eight because of NaN.
 */
@inline
function magnitudes(x: usize, offset: usize): v128 {
  return v128.and(v128.load(x + offset), i32x4.splat(0x7fffffff))
}

@inline
function largest16(x: usize): v128 {
  return i32x4.max_s(
    i32x4.max_s(magnitudes(x, 0), magnitudes(x, 16)),
    i32x4.max_s(magnitudes(x, 32), magnitudes(x, 48)),
  )
}

@inline
function largestLane(m: v128): f32 {
  m = i32x4.max_s(m, v128.shuffle<i32>(m, m, 2, 3, 0, 1))
  m = i32x4.max_s(m, v128.shuffle<i32>(m, m, 1, 0, 3, 2))
  return f32x4.extract_lane(m, 0)
}

/** max |x| of 32 values. */
@inline
function largest32(x: usize): f32 {
  return largestLane(i32x4.max_s(largest16(x), largest16(x + 64)))
}

/** max |x| of a row. */
export function largest(x: usize, columns: u32): f32 {
  let found = i32x4.splat(0)
  let k: u32 = 0
  for (; k + 16 <= columns; k += 16) found = i32x4.max_s(found, largest16(x + ((<usize>k) << 2)))
  let most = largestLane(found)
  for (; k < columns; k++) most = max<f32>(most, abs<f32>(load<f32>(x + ((<usize>k) << 2))))
  return most
}

/**
 * Stores the scale of a token's `columns` values (of a block's, with BY_BLOCK) at `scale` and returns its reciprocal.
 * `given` is the scale of GIVEN.
 */
export function inverseOf(x: usize, columns: u32, rounding: u32, given: f32, scale: usize): f32 {
  if (rounding == GIVEN) {
    store<f32>(scale, given)
    return <f32>1 / given
  }
  const most = largest(x, columns)
  const levels: f32 = rounding == BY_TOKEN_4 ? 7 : 127
  const limit: f32 = rounding == BY_TOKEN_4 ? most * <f32>0.9 : most
  store<f32>(scale, limit / levels)
  return limit >= SMALLEST ? levels / limit : 0
}

/** Codes of 4 values. They saturate only with a given scale or 4 bits. */
@inline
export function codes4(x: usize, offset: usize, inverse: v128, saturates: bool, least: v128, most: v128): v128 {
  let v = f32x4.mul(v128.load(x + offset), inverse)
  if (saturates) v = f32x4.pmin(f32x4.pmax(v, least), most)
  return toInteger(v)
}

@inline
export function saturatesBy(rounding: u32): bool {
  return rounding > NONE
}

/** The largest code, in all lanes. */
@inline
export function mostOf(rounding: u32): v128 {
  return f32x4.splat(rounding == BY_TOKEN_4 ? 7 : 127)
}

/** The least code. */
@inline
export function leastOf(rounding: u32): v128 {
  return f32x4.splat(rounding == BY_TOKEN_4 ? -8 : -127)
}

/**
 * Quantizes the 32 values at x into token `column` of the record at `record`, by a scale and its reciprocal; BY_BLOCK
 * computes the scale of these values.
 */
export function quantizeBlock(
  x: usize,
  rounding: u32,
  scale: f32,
  factor: f32,
  record: usize,
  wide: bool,
  columns: i32,
  column: i32,
  zero: i32,
  wraps: bool,
): void {
  if (rounding == BY_BLOCK) {
    const limit = largest32(x)
    scale = limit / 127
    factor = limit >= SMALLEST ? <f32>127 / limit : <f32>0
  }
  const inverse = f32x4.splat(factor)
  const saturates = saturatesBy(rounding)
  const least = leastOf(rounding)
  const most = mostOf(rounding)
  const q0 = codes4(x, 0, inverse, saturates, least, most)
  const q1 = codes4(x, 16, inverse, saturates, least, most)
  const q2 = codes4(x, 32, inverse, saturates, least, most)
  const q3 = codes4(x, 48, inverse, saturates, least, most)
  const q4 = codes4(x, 64, inverse, saturates, least, most)
  const q5 = codes4(x, 80, inverse, saturates, least, most)
  const q6 = codes4(x, 96, inverse, saturates, least, most)
  const q7 = codes4(x, 112, inverse, saturates, least, most)
  const h0 = i16x8.narrow_i32x4_s(q0, q1)
  const h1 = i16x8.narrow_i32x4_s(q2, q3)
  const h2 = i16x8.narrow_i32x4_s(q4, q5)
  const h3 = i16x8.narrow_i32x4_s(q6, q7)
  const codes = record + (column << (wide ? 6 : 5))
  if (wide) {
    v128.store(codes, h0)
    v128.store(codes, h1, 16)
    v128.store(codes, h2, 32)
    v128.store(codes, h3, 48)
  } else {
    v128.store(codes, i8x16.narrow_i16x8_s(h0, h1))
    v128.store(codes, i8x16.narrow_i16x8_s(h2, h3), 16)
  }
  const sums0 = i32x4.dot_i16x8_s(i16x8.add(h0, h1), i16x8.splat(1))
  const sums1 = i32x4.dot_i16x8_s(i16x8.add(h2, h3), i16x8.splat(1))
  // [low, …, high, …]
  let sums = addPairs(sums0, sums1)
  sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2))
  const low = i32x4.extract_lane(sums, 0)
  const high = i32x4.extract_lane(sums, 2)
  const fields = record + columns * (wide ? 64 : 32) + column * 4
  const step: usize = columns * 4
  f32.store(fields, scale)
  if (wraps) {
    const halves = i32x4.mul(
      i32x4.add(v128.shuffle<i32>(sums0, sums1, 0, 1, 4, 5), v128.shuffle<i32>(sums0, sums1, 2, 3, 6, 7)),
      i32x4.splat(-zero),
    )
    const narrow = i16x8.narrow_i32x4_s(halves, i32x4.add(halves, v128.shuffle<i64>(halves, halves, 1, 0)))
    i32.store(fields + ZERO * step, i32x4.extract_lane(narrow, 2))
    i32.store(fields + ZERO_LOW * step, i32x4.extract_lane(narrow, 0))
    i32.store(fields + ZERO_HIGH * step, i32x4.extract_lane(narrow, 1))
  } else {
    i32.store(fields + ZERO * step, -zero * (low + high))
    i32.store(fields + ZERO_LOW * step, -zero * low)
    i32.store(fields + ZERO_HIGH * step, -zero * high)
  }
  f32.store(fields + SUM * step, scale * <f32>(low + high))
  f32.store(fields + SUM_LOW * step, scale * <f32>low)
  f32.store(fields + SUM_HIGH * step, scale * <f32>high)
}

/**
 * Quantizes a row of `columns` values into token `column` of consecutive records. Zeros fill up the last block, in 128
 * bytes at `tail`.
 */
export function quantizeRow(
  x: usize,
  columns: u32,
  rounding: u32,
  given: f32,
  record: usize,
  wide: bool,
  tokens: i32,
  token: i32,
  zero: i32,
  wraps: bool,
  tail: usize,
): void {
  const inverse: f32 = rounding == BY_BLOCK ? 0 : inverseOf(x, columns, rounding, given, tail)
  const scale = load<f32>(tail)
  const bytes = recordBytes(wide, tokens)
  let k: u32 = 0
  for (; k + 32 <= columns; k += 32, record += bytes)
    quantizeBlock(x + ((<usize>k) << 2), rounding, scale, inverse, record, wide, tokens, token, zero, wraps)
  if (k == columns) return
  memory.fill(tail, 0, 128)
  memory.copy(tail, x + ((<usize>k) << 2), (columns - k) << 2)
  quantizeBlock(tail, rounding, scale, inverse, record, wide, tokens, token, zero, wraps)
}

/**
 * The nearest integer, halves to even, of values below 2^22: adding 1.5 · 2^23 rounds, and leaves the integer in the
 * low bits.
 */
@inline
export function toInteger(v: v128): v128 {
  return i32x4.sub(f32x4.add(v, f32x4.splat(12582912)), i32x4.splat(0x4b400000))
}
