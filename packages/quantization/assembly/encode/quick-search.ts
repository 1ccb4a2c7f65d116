import { madd, nmadd, sumLanes } from '@tessera-llm/wasm/assembly/lib'
import { STEPS, stepOf } from './group-search'
import { fix, fixed, half, refit, SCALE, writeCodes, ZERO } from './quick-fit'

// The search of group-search.ts for one group of scales in f16 and columns that weigh the same, in f32 and four values
// at a time, with the same result: each sum comes with a bound of what it may be off, two sums that are too close to
// tell apart are computed again in f64 and in the reference's order, and so is a quotient that is too close to the
// middle between two codes or between two scales. Orders of additions and fused products do not matter, then.

/** Places in a thread's scratch after the best scale and zero: their error, what it may be off, and two sums. */
const ERROR: usize = 16
const SLACK: usize = 24
const SUMS: usize = 32

/** What does not change while a group is searched: Σ |x|, and what sums of so many squares may be off. */
const TOTAL: usize = 64
const SUM_SLACK: usize = 72

/** The magnitude at which the last place of f32 is 1: added and taken away again, it rounds to whole numbers. */
const MAGIC: f32 = 12582912

/** Steps for which f16 has scales far from its ends, whatever the search and a fit make of them. */
const LEAST: f64 = 3.814697265625e-6
const MOST: f64 = 30000

@inline
function square(value: v128, scale: v128, inverse: v128, first: v128, end: v128, magic: v128, sum: v128): v128 {
  const unit = f32x4.sub(f32x4.pmin(end, f32x4.pmax(first, madd(value, inverse, magic))), magic)
  const error = nmadd(scale, unit, value)
  return madd(error, error, sum)
}

/** Σ (x − scale · code)² for two scales and zeros, to scratch. */
function errorsOf(scratch: usize, x: usize, count: u32, a: f64, zeroA: f64, b: f64, zeroB: f64, last: f64): void {
  fix(scratch, 0, f32x4.splat(MAGIC))
  fix(scratch, 1, f32x4.splat(<f32>a))
  fix(scratch, 2, f32x4.splat(<f32>1 / <f32>a))
  fix(scratch, 3, f32x4.splat(MAGIC - <f32>zeroA))
  fix(scratch, 4, f32x4.splat(MAGIC + <f32>(last - zeroA)))
  fix(scratch, 5, f32x4.splat(<f32>b))
  fix(scratch, 6, f32x4.splat(<f32>1 / <f32>b))
  fix(scratch, 7, f32x4.splat(MAGIC - <f32>zeroB))
  fix(scratch, 8, f32x4.splat(MAGIC + <f32>(last - zeroB)))
  const magic = fixed(scratch, 0)
  const scaleA = fixed(scratch, 1)
  const inverseA = fixed(scratch, 2)
  const firstA = fixed(scratch, 3)
  const endA = fixed(scratch, 4)
  const scaleB = fixed(scratch, 5)
  const inverseB = fixed(scratch, 6)
  const firstB = fixed(scratch, 7)
  const endB = fixed(scratch, 8)
  let sumA = f32x4.splat(0)
  let sumB = sumA
  for (const stop = x + ((<usize>count) << 2); x < stop; x += 16) {
    const value = v128.load(x)
    sumA = square(value, scaleA, inverseA, firstA, endA, magic, sumA)
    sumB = square(value, scaleB, inverseB, firstB, endB, magic, sumB)
  }
  store<f64>(scratch + SUMS, <f64>sumLanes(sumA))
  store<f64>(scratch + SUMS, <f64>sumLanes(sumB), 8)
}

/** Whether the error of the second scale and zero is less, in f64 and in the reference's order. */
function isLess(x: usize, count: u32, a: f64, zeroA: f64, b: f64, zeroB: f64, last: f64): bool {
  const scale = f64x2.replace_lane(f64x2.splat(a), 1, b)
  const zero = f64x2.replace_lane(f64x2.splat(zeroA), 1, zeroB)
  const inverse = f64x2.div(f64x2.splat(1), scale)
  const first = f64x2.neg(zero)
  const end = f64x2.sub(f64x2.splat(last), zero)
  let sum = f64x2.splat(0)
  for (const stop = x + ((<usize>count) << 2); x < stop; x += 4) {
    const value = f64x2.splat(<f64>load<f32>(x))
    const unit = f64x2.pmin(f64x2.pmax(f64x2.nearest(f64x2.mul(value, inverse)), first), end)
    const error = f64x2.sub(value, f64x2.mul(scale, unit))
    sum = f64x2.add(sum, f64x2.mul(error, error))
  }
  return f64x2.extract_lane(sum, 1) < f64x2.extract_lane(sum, 0)
}

/** Keeps a scale and a zero whose error is less than the best so far. */
function consider(scratch: usize, x: usize, count: u32, scale: f64, zero: f64, error: f64, last: f64): void {
  const bestScale = load<f64>(scratch + SCALE)
  const bestZero = load<f64>(scratch + ZERO)
  if (scale == bestScale && zero == bestZero) return
  // A quotient may fall to the other side of the middle between two codes if it lies within 2^-23 of itself from it.
  // Its square is then off by 2^-22 · scale · |x|; twice that is taken, as of the additions.
  const slack = scale * load<f64>(scratch + TOTAL) + error * load<f64>(scratch + SUM_SLACK)
  const less = load<f64>(scratch + ERROR) - error
  const doubt = slack + load<f64>(scratch + SLACK)
  if (less < -doubt) return
  if (!(less > doubt) && !isLess(x, count, bestScale, bestZero, scale, zero, last)) return
  store<f64>(scratch + SCALE, scale)
  store<f64>(scratch + ZERO, zero)
  store<f64>(scratch + ERROR, error)
  store<f64>(scratch + SLACK, slack)
}

/** Squared errors of the lowest and the highest value alone, where they are beyond the last codes. */
@inline
function clipped(scale: f64, zero: f64, low: f64, high: f64, last: f64): f64 {
  const below = -low - scale * zero
  const above = high - scale * (last - zero)
  return (below > 0 ? below * below : 0) + (above > 0 ? above * above : 0)
}

/** Tries two scales and zeros, one after the other, unless their ends alone cost more than the best. */
function attempt(
  scratch: usize,
  x: usize,
  count: u32,
  rawA: f64,
  zeroA: f64,
  rawB: f64,
  zeroB: f64,
  low: f64,
  high: f64,
  last: f64,
): void {
  const a = half(rawA)
  const b = half(rawB)
  const most = load<f64>(scratch + ERROR) + load<f64>(scratch + SLACK)
  const triesA = zeroA >= 0 && zeroA <= last && clipped(a, zeroA, low, high, last) < most
  const triesB = zeroB >= 0 && zeroB <= last && clipped(b, zeroB, low, high, last) < most
  if (!triesA && !triesB) return
  errorsOf(scratch, x, count, a, zeroA, b, zeroB, last)
  if (triesA) consider(scratch, x, count, a, zeroA, load<f64>(scratch + SUMS), last)
  if (triesB) consider(scratch, x, count, b, zeroB, load<f64>(scratch + SUMS, 8), last)
}

/**
 * Scale, zero and codes of a group of `count` values, a multiple of 8; `false` where its scales are near the ends of
 * f16, all its values 0, or one not finite.
 */
export function searchQuickly(
  scratch: usize,
  x: usize,
  count: u32,
  bits: u32,
  isSymmetric: bool,
  codes: usize,
  isPacked: bool,
  scaleAt: usize,
  zeroAt: usize,
): bool {
  let lows = f32x4.splat(0)
  let highs = lows
  let sums = lows
  for (let at = x, stop = x + ((<usize>count) << 2); at < stop; at += 16) {
    const value = v128.load(at)
    lows = f32x4.pmin(lows, value)
    highs = f32x4.pmax(highs, value)
    sums = f32x4.add(sums, f32x4.abs(value))
  }
  const total = <f64>sumLanes(sums)
  // NaN and infinities are in the sum, and not in the extremes.
  if (!(total < Infinity)) return false
  const low = <f64>leastOf(lows)
  const high = -(<f64>leastOf(f32x4.neg(highs)))
  const middle = <f64>(1 << (bits - 1))
  const last = <f64>((1 << bits) - 1)
  const widest = isSymmetric ? max(high, -low) / (last - middle) : (high - low) / last
  if (!(widest > LEAST && widest < MOST)) return false
  const zero = isSymmetric ? middle : min(max(nearest(-low / widest), 0), last)
  store<f64>(scratch + TOTAL, total * 4.76837158203125e-7)
  store<f64>(scratch + SUM_SLACK, <f64>(count + 32) * 2.9802322387695312e-8)
  store<f64>(scratch + SCALE, 0)
  store<f64>(scratch + ERROR, Infinity)
  store<f64>(scratch + SLACK, 0)
  const step = stepOf(bits)
  for (let i = 0; i < STEPS; i += 6) {
    const a = widest * (1 - <f64>i * step)
    // The more is cut off, the more it costs: no later scale is better.
    if (clipped(half(a), zero, low, high, last) >= load<f64>(scratch + ERROR) + load<f64>(scratch + SLACK)) break
    attempt(scratch, x, count, a, zero, widest * (1 - <f64>min(i + 3, STEPS - 2) * step), zero, low, high, last)
  }
  const scale = load<f64>(scratch + SCALE)
  attempt(scratch, x, count, scale + step * widest, zero, scale - step * widest, zero, low, high, last)
  attempt(scratch, x, count, scale + 2 * step * widest, zero, scale - 2 * step * widest, zero, low, high, last)
  if (!isSymmetric) {
    const nearer = load<f64>(scratch + SCALE)
    const up = zero + 1
    const down = zero - 1
    const wide = nearer + step * widest
    const narrow = nearer - step * widest
    attempt(scratch, x, count, nearer, up, wide, up, low, high, last)
    attempt(scratch, x, count, narrow, up, nearer, down, low, high, last)
    attempt(scratch, x, count, wide, down, narrow, down, low, high, last)
  }
  for (let turn = 0; turn < 2; turn++) {
    const before = load<f64>(scratch + SCALE)
    const used = load<f64>(scratch + ZERO)
    const again = refit(scratch, x, count, last)
    if (!(again > LEAST / 4 && again < 2 * MOST)) return false
    if (again == before) break
    attempt(scratch, x, count, again, used, again, used, low, high, last)
    if (load<f64>(scratch + SCALE) == before) break
  }
  writeCodes(scratch, x, count, load<f64>(scratch + SCALE), load<f64>(scratch + ZERO), last, codes, isPacked)
  store<f32>(scaleAt, <f32>load<f64>(scratch + SCALE))
  store<f32>(zeroAt, <f32>load<f64>(scratch + ZERO))
  return true
}

@inline
function leastOf(v: v128): f32 {
  const pairs = f32x4.pmin(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return min(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
}
