import { madd, maxLanes, nmadd, sumLanes } from '@tessera-llm/wasm/assembly/lib'

// Rounds queries and weights to integers, which are multiplied with codes.

/** Rounds x to i16 of at most `limit` such that x ≈ factor · i16; `count` is a multiple of 8. Returns the factor. */
export function roundPairs(x: usize, count: u32, limit: f32, to: usize): f32 {
  let largest = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(x + i)))
  const most = maxLanes(largest)
  const inverse = f32x4.splat(inverseOf(most, limit))
  for (let i: usize = 0; i < count; i += 8)
    v128.store(
      to + (i << 1),
      i16x8.narrow_i32x4_s(
        roundFour(v128.load(x + (i << 2)), inverse),
        roundFour(v128.load(x + (i << 2), 16), inverse),
      ),
    )
  return factorOf(most, limit)
}

/**
 * Rounds 32 elements x · scales to i8 such that they are ≈ factor · i8, in the order of the codes of a word: for 4 bits
 * 0 2 4 6 1 3 5 7 of each eight, for 2 bits 0 4 8 12 1 5 … of each sixteen. Elements from `count` (a multiple of 4) on
 * are zeros. Stores the factor. Returns Σ x · minima plus the rounding error of x · scales times the middle code, so
 * that the remaining error acts on codes centered at 0.
 */
export function roundBlock(
  x: usize,
  scales: usize,
  minima: usize,
  count: u32,
  bits: u32,
  to: usize,
  factor: usize,
): f32 {
  let largest = f32x4.splat(0)
  let sum = largest
  let base = largest
  const end: usize = (<usize>min<u32>(count, 32)) << 2
  for (let i: usize = 0; i < end; i += 16) {
    const value = v128.load(x + i)
    const scaled = f32x4.mul(value, v128.load(scales + i))
    largest = f32x4.pmax(largest, f32x4.abs(scaled))
    sum = f32x4.add(sum, scaled)
    base = madd(value, v128.load(minima + i), base)
  }
  const most = maxLanes(largest)
  const inverse = f32x4.splat(inverseOf(most, 127))
  const step = factorOf(most, 127)
  store<f32>(factor, step)
  let rounded = i32x4.splat(0)
  for (let i: usize = 0; i < 128; i += 64, x += 64, scales += 64, to += 16) {
    const all = i8x16.narrow_i16x8_s(
      roundEight(x, scales, <i32>(end - i), inverse),
      roundEight(x + 32, scales + 32, <i32>(end - i) - 32, inverse),
    )
    rounded = i32x4.add(rounded, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(all)))
    v128.store(
      to,
      bits == 4
        ? v128.shuffle<i8>(all, all, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15)
        : v128.shuffle<i8>(all, all, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    )
  }
  const lost = nmadd(f32x4.splat(step), f32x4.convert_i32x4_s(rounded), sum)
  return sumLanes(madd(lost, f32x4.splat(bits == 4 ? 7.5 : 1.5), base))
}

/** Rounds eight products, of which `bytes` are valid. */
@inline
function roundEight(x: usize, scales: usize, bytes: i32, inverse: v128): v128 {
  const none = i32x4.splat(0)
  return i16x8.narrow_i32x4_s(
    bytes > 0 ? roundFour(f32x4.mul(v128.load(x), v128.load(scales)), inverse) : none,
    bytes > 16 ? roundFour(f32x4.mul(v128.load(x, 16), v128.load(scales, 16)), inverse) : none,
  )
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
  return i32x4.sub(madd(x, inverse, f32x4.splat(12582912)), i32x4.splat(0x4b400000))
}

/** scaled = x ∘ scales; returns Σ x · minima. `count` is a multiple of 4. */
export function scaleBy(x: usize, scales: usize, minima: usize, count: u32, scaled: usize): f32 {
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const value = v128.load(x + i)
    v128.store(scaled + i, f32x4.mul(value, v128.load(scales + i)))
    sum = madd(value, v128.load(minima + i), sum)
  }
  return sumLanes(sum)
}
