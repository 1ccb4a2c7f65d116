import {
  EXP2_LOWEST,
  EXP2_SERIES,
  exp4,
  LOG2_E,
  logarithm,
  madd,
  ONE,
  ROUNDER,
  scalar,
  sumLanes,
} from '@tessera-llm/wasm/assembly/lib'
import { HIDDEN } from './call'
import { LINE } from './tiles'

// Softmax of tiles in base 2: a score's weight is 2^(s · log2 e − m), one fused step from score to exponent. The
// subtracted value is rounded once and kept, so its rounding cancels between weights and sum.

@inline
export const LOG2E: f32 = 1.4426950408889634
@inline
export const LN2: f64 = 0.6931471805599453

/**
 * 2^x on four lanes for x ≤ 0 or slightly above: 2^n for the nearest n by exponent arithmetic, times a polynomial of
 * the remainder (minimax, degree 6, relative error 8e-8 in f32). Below −126 the result is 0, and 2^−∞ is 0; NaN becomes
 * 0 or NaN.
 */
@inline
export function exp2of4(x: v128): v128 {
  const lowest = scalar(EXP2_LOWEST)
  const rounder = scalar(ROUNDER)
  const clamped = f32x4.pmax(x, lowest)
  const shifted = f32x4.add(clamped, rounder)
  const r = f32x4.sub(clamped, f32x4.sub(shifted, rounder))
  let p = scalar(EXP2_SERIES)
  p = madd(p, r, scalar(EXP2_SERIES + 1))
  p = madd(p, r, scalar(EXP2_SERIES + 2))
  p = madd(p, r, scalar(EXP2_SERIES + 3))
  p = madd(p, r, scalar(EXP2_SERIES + 4))
  p = madd(p, r, scalar(EXP2_SERIES + 5))
  p = madd(p, r, scalar(ONE))
  return v128.andnot(i32x4.add(p, i32x4.shl(shifted, 23)), f32x4.le(x, lowest))
}

/** Largest score of each of four lines, one per lane; at least HIDDEN. `count` is a multiple of 8. */
export function largestOfLines(scores: usize, count: i32): v128 {
  let a = f32x4.splat(HIDDEN)
  let b = a
  let c = a
  let d = a
  for (const end = scores + ((<usize>count) << 2); scores < end; scores += 16) {
    a = f32x4.pmax(a, v128.load(scores))
    b = f32x4.pmax(b, v128.load(scores, 256))
    c = f32x4.pmax(c, v128.load(scores, 512))
    d = f32x4.pmax(d, v128.load(scores, 768))
  }
  const ab = f32x4.pmax(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = f32x4.pmax(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return f32x4.pmax(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}

/**
 * Replaces `count` scores (a multiple of 8) by 2^(s · log2 e − subtracted) and returns four partial sums. Hidden scores
 * become exactly 0.
 */
export function weighLine(scores: usize, count: i32, subtracted: f32): v128 {
  const scale = scalar(LOG2_E)
  const m = f32x4.splat(-subtracted)
  let sum = f32x4.splat(0)
  for (const end = scores + ((<usize>count) << 2); scores < end; scores += 16) {
    const p = exp2of4(madd(v128.load(scores), scale, m))
    v128.store(scores, p)
    sum = f32x4.add(sum, p)
  }
  return sum
}

/**
 * Replaces `count` scores (a multiple of 4) by `factor` · 2^(s · log2 e − subtracted) and returns their sum without
 * `factor`, a power of two. Hidden scores become exactly 0.
 */
export function weighKeys(scores: usize, count: i32, subtracted: f32, factor: f32): f32 {
  const scale = scalar(LOG2_E)
  const m = f32x4.splat(-subtracted)
  const factors = f32x4.splat(factor)
  let sum = f32x4.splat(0)
  for (const end = scores + ((<usize>count) << 2); scores < end; scores += 16) {
    const p = exp2of4(madd(v128.load(scores), scale, m))
    v128.store(scores, f32x4.mul(p, factors))
    sum = f32x4.add(sum, p)
  }
  return sumLanes(sum)
}

/**
 * Subtracted value for a largest score: m · log2 e; or 0 for a line that sees no key, whose scores then all become 0.
 */
@inline
export function subtractedFor(largest: v128): v128 {
  return v128.andnot(f32x4.mul(largest, f32x4.splat(LOG2E)), f32x4.le(largest, f32x4.splat(HIDDEN)))
}

/** `subtractedFor` one score. */
export function subtractedOf(largest: f32): f32 {
  return f32x4.extract_lane(subtractedFor(f32x4.splat(largest)), 0)
}

/**
 * Online softmax of four lines of `count` scores (a multiple of 8). Scores become weights; updates `maxima` (f32[4])
 * and `sums` (f32[4]). Returns the factors by which earlier sums must be multiplied.
 */
export function softmaxTile(scores: usize, count: i32, maxima: usize, sums: usize): v128 {
  const before = v128.load(maxima)
  const largest = f32x4.pmax(before, largestOfLines(scores, count))
  v128.store(maxima, largest)
  const subtracted = subtractedFor(largest)
  // Before the first visible key this is 2^−∞.
  const factors = exp2of4(f32x4.sub(f32x4.mul(before, f32x4.splat(LOG2E)), subtracted))
  const a = weighLine(scores, count, f32x4.extract_lane(subtracted, 0))
  const b = weighLine(scores + LINE, count, f32x4.extract_lane(subtracted, 1))
  const c = weighLine(scores + 2 * LINE, count, f32x4.extract_lane(subtracted, 2))
  const d = weighLine(scores + 3 * LINE, count, f32x4.extract_lane(subtracted, 3))
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  v128.store(
    sums,
    madd(v128.load(sums), factors, f32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))),
  )
  return factors
}

/** Weight of one score against a largest one, as `weighLine` computes it. */
export function weigh(score: f32, largest: f32): f32 {
  return f32x4.extract_lane(
    exp2of4(madd(f32x4.splat(score), f32x4.splat(LOG2E), f32x4.neg(subtractedFor(f32x4.splat(largest))))),
    0,
  )
}

/** Factor for weights against the maximum `before` when the maximum becomes `largest`. */
export function rescale(before: f32, largest: f32): f32 {
  return f32x4.extract_lane(
    exp2of4(f32x4.sub(subtractedFor(f32x4.splat(before)), subtractedFor(f32x4.splat(largest)))),
    0,
  )
}

/**
 * Log-sum-exp of weights that `softmaxTile` summed: the subtracted value, rounding included, plus the logarithm of the
 * sum.
 */
export function logOfSum(largest: f32, sum: f32): f32 {
  return <f32>(<f64>f32x4.extract_lane(subtractedFor(f32x4.splat(largest)), 0) * LN2 + <f64>logarithm(sum))
}

/** Weight of one score for a known `subtracted`; +∞ gives 0. */
export function weighAgainst(score: f32, subtracted: f32): f32 {
  return subtracted == Infinity
    ? 0
    : f32x4.extract_lane(exp2of4(madd(f32x4.splat(score), f32x4.splat(LOG2E), f32x4.splat(-subtracted))), 0)
}

/**
 * Turns `count` scores (a multiple of 4) of a row into weights p = 2^(s · log2 e − subtracted), and the products do · v
 * into score gradients p · (do · v − reduced), which are 0 where the weight is 0.
 */
export function gradientLine(scores: usize, products: usize, count: i32, subtracted: f32, reduced: f32): void {
  const scale = scalar(LOG2_E)
  const m = f32x4.splat(-subtracted)
  const d = f32x4.splat(reduced)
  const zero = f32x4.splat(0)
  for (const end = scores + ((<usize>count) << 2); scores < end; scores += 16, products += 16) {
    const p = exp2of4(madd(v128.load(scores), scale, m))
    v128.store(scores, p)
    v128.store(products, v128.and(f32x4.mul(p, f32x4.sub(v128.load(products), d)), f32x4.ne(p, zero)))
  }
}

/**
 * Applies the derivative of softcap, before the scores are capped: products become (do · v − reduced) · (1 − tanh²(s /
 * cap)), where 1 − tanh² = 4e / (1 + e)² with e = e^(−2 |s / cap|).
 */
export function bendLine(scores: usize, products: usize, count: i32, reduced: f32, softcap: f32): void {
  const inverse = f32x4.splat(-2 / softcap)
  const d = f32x4.splat(reduced)
  const one = f32x4.splat(1)
  const four = f32x4.splat(4)
  for (const end = scores + ((<usize>count) << 2); scores < end; scores += 16, products += 16) {
    const e = exp4(f32x4.neg(f32x4.abs(f32x4.mul(v128.load(scores), inverse))))
    const sum = f32x4.add(one, e)
    v128.store(
      products,
      f32x4.mul(f32x4.sub(v128.load(products), d), f32x4.div(f32x4.mul(four, e), f32x4.mul(sum, sum))),
    )
  }
}
