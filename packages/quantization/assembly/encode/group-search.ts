// The search of src/method/scale/group-scale.ts for two groups at a time, one in each lane: every step in its order and
// in f64, so that scales and zeros are the same. Values of a group lie 16 bytes apart in scratch, then their weights.

/** Places in a thread's scratch: what the search has found, what it goes by, and the values. */
export const SCALE: usize = 0
export const ZERO: usize = 16
export const ERROR: usize = 32
export const FOUND: usize = 48
export const TOO_LARGE: usize = 64
const SUMS: usize = 80
export const X: usize = 128

/** Bytes of values between two checks of the sums against the best error. */
const PAUSE: usize = 256

/** Scales tried from the widest down. */
export const STEPS: i32 = 32

/** The nearest whole number, ties to even, as `nearestEven` gets it. */
@inline
export function nearest(v: v128): v128 {
  const magic = f64x2.splat(6755399441055744)
  return f64x2.sub(f64x2.add(v, magic), magic)
}

/** a if it is not below b, else b; a NaN stays NaN. */
@inline
function atLeast(a: v128, b: v128): v128 {
  return f64x2.pmax(a, b)
}

@inline
function atMost(a: v128, b: v128): v128 {
  return f64x2.pmin(a, b)
}

/** Rounds scales to their type. Marks those that f16 cannot hold, for the caller to refuse. */
function rounded(v: v128, type: u32, scratch: usize): v128 {
  if (type == 1) {
    // The unit in the last place of f16's 11-bit significand, at this magnitude or that of its smallest normal number.
    const power = f64x2.max(v128.and(v, i64x2.splat(0x7ff0000000000000)), f64x2.splat(0.00006103515625))
    const unit = f64x2.mul(power, f64x2.splat(0.0009765625))
    const half = f64x2.mul(f64x2.nearest(f64x2.div(v, unit)), unit)
    v128.store(scratch + TOO_LARGE, v128.or(v128.load(scratch + TOO_LARGE), f64x2.gt(half, f64x2.splat(65504))))
    return half
  }
  let single = f32x4.demote_f64x2_zero(v)
  if (type == 2)
    single = v128.and(
      i32x4.add(single, i32x4.add(i32x4.splat(0x7fff), v128.and(i32x4.shr_u(single, 16), i32x4.splat(1)))),
      i32x4.splat(0xffff0000),
    )
  return f64x2.promote_low_f32x4(single)
}

/** (x − scale · code)², codes from `first` to `end`, which are −zero and last − zero. */
@inline
function squareOf(value: v128, scale: v128, inverse: v128, first: v128, end: v128): v128 {
  const error = f64x2.sub(value, f64x2.mul(scale, atMost(atLeast(nearest(f64x2.mul(value, inverse)), first), end)))
  return f64x2.mul(error, error)
}

@inline
function weighedSquareOf(value: v128, weight: v128, scale: v128, inverse: v128, first: v128, end: v128): v128 {
  const error = f64x2.sub(value, f64x2.mul(scale, atMost(atLeast(nearest(f64x2.mul(value, inverse)), first), end)))
  return f64x2.mul(f64x2.mul(weight, error), error)
}

/**
 * Σ w · (x − scale · code)² for two scales and zeros, to scratch: two sums at a time, because each addition waits for
 * the one before. Sums never fall, so the loop ends once all of them reach the best error so far.
 */
function errorsOf(
  scratch: usize,
  weights: usize,
  count: u32,
  scaleA: v128,
  zeroA: v128,
  scaleB: v128,
  zeroB: v128,
  last: v128,
): void {
  const inverseA = f64x2.div(f64x2.splat(1), scaleA)
  const firstA = f64x2.neg(zeroA)
  const endA = f64x2.sub(last, zeroA)
  const inverseB = f64x2.div(f64x2.splat(1), scaleB)
  const firstB = f64x2.neg(zeroB)
  const endB = f64x2.sub(last, zeroB)
  const found = v128.load(scratch + ERROR)
  let x = scratch + X
  let sumA = f64x2.splat(0)
  let sumB = sumA
  for (const stop = x + ((<usize>count) << 4); x < stop; ) {
    const pause = min(x + PAUSE, stop)
    if (weights == 0) {
      for (; x < pause; x += 16) {
        const value = v128.load(x)
        sumA = f64x2.add(sumA, squareOf(value, scaleA, inverseA, firstA, endA))
        sumB = f64x2.add(sumB, squareOf(value, scaleB, inverseB, firstB, endB))
      }
    } else {
      for (; x < pause; x += 16, weights += 16) {
        const value = v128.load(x)
        const weight = v128.load(weights)
        sumA = f64x2.add(sumA, weighedSquareOf(value, weight, scaleA, inverseA, firstA, endA))
        sumB = f64x2.add(sumB, weighedSquareOf(value, weight, scaleB, inverseB, firstB, endB))
      }
    }
    if (i64x2.all_true(v128.and(f64x2.ge(sumA, found), f64x2.ge(sumB, found)))) break
  }
  v128.store(scratch + SUMS, sumA)
  v128.store(scratch + SUMS, sumB, 16)
}

@inline
export function codeOf(value: v128, scale: v128, zero: v128, last: v128): v128 {
  return atMost(atLeast(f64x2.add(nearest(f64x2.div(value, scale)), zero), f64x2.splat(0)), last)
}

/** Lanes whose scale is above 0 and whose zero is a code. */
@inline
function validOf(scale: v128, zero: v128, last: v128): v128 {
  const none = f64x2.splat(0)
  return v128.and(f64x2.gt(scale, none), v128.and(f64x2.ge(zero, none), f64x2.le(zero, last)))
}

/** Keeps a scale and a zero in lanes where their error is less than the best so far. */
function keep(scratch: usize, scale: v128, zero: v128, valid: v128, error: v128): void {
  const found = v128.load(scratch + FOUND)
  const better = v128.and(valid, v128.or(v128.not(found), f64x2.lt(error, v128.load(scratch + ERROR))))
  v128.store(scratch + SCALE, v128.bitselect(scale, v128.load(scratch + SCALE), better))
  v128.store(scratch + ZERO, v128.bitselect(zero, v128.load(scratch + ZERO), better))
  v128.store(scratch + ERROR, v128.bitselect(error, v128.load(scratch + ERROR), better))
  v128.store(scratch + FOUND, v128.or(found, valid))
}

/** Tries one scale and zero, then another. */
function attempt(
  scratch: usize,
  weights: usize,
  count: u32,
  rawA: v128,
  zeroA: v128,
  rawB: v128,
  zeroB: v128,
  last: v128,
  type: u32,
): void {
  const a = rounded(rawA, type, scratch)
  const b = rounded(rawB, type, scratch)
  const validA = validOf(a, zeroA, last)
  const validB = validOf(b, zeroB, last)
  if (!v128.any_true(v128.or(validA, validB))) return
  errorsOf(scratch, weights, count, a, zeroA, b, zeroB, last)
  keep(scratch, a, zeroA, validA, v128.load(scratch + SUMS))
  keep(scratch, b, zeroB, validB, v128.load(scratch + SUMS, 16))
}

/** The scale with the least squared error for the codes of the best one so far. */
function refit(scratch: usize, weights: usize, count: u32, last: v128): v128 {
  const scale = v128.load(scratch + SCALE)
  const zero = v128.load(scratch + ZERO)
  const one = f64x2.splat(1)
  let products = f64x2.splat(0)
  let squares = products
  let x = scratch + X
  let w = weights
  for (const end = x + ((<usize>count) << 4); x < end; x += 16) {
    const value = v128.load(x)
    const stands = f64x2.promote_low_f32x4(
      f32x4.demote_f64x2_zero(f64x2.mul(scale, f64x2.sub(codeOf(value, scale, zero, last), zero))),
    )
    const unit = f64x2.div(stands, scale)
    const weighed = f64x2.mul(weights == 0 ? one : v128.load(w), unit)
    products = f64x2.add(products, f64x2.mul(weighed, value))
    squares = f64x2.add(squares, f64x2.mul(weighed, unit))
    w += 16
  }
  return v128.bitselect(f64x2.div(products, squares), scale, f64x2.gt(squares, f64x2.splat(0)))
}

/** Step between the scales that are tried, as a part of the widest. */
@inline
export function stepOf(bits: u32): f64 {
  return bits < 4 ? 0.02 : bits == 4 ? 0.0125 : 0.001
}

export function search(
  scratch: usize,
  weights: usize,
  count: u32,
  widest: v128,
  zero: v128,
  last: v128,
  bits: u32,
  isSymmetric: bool,
  type: u32,
): void {
  const step = stepOf(bits)
  // An odd number of steps tries the last one twice, which changes nothing.
  for (let i = 0; i < STEPS; i += 6)
    attempt(
      scratch,
      weights,
      count,
      f64x2.mul(widest, f64x2.splat(1 - <f64>i * step)),
      zero,
      f64x2.mul(widest, f64x2.splat(1 - <f64>min(i + 3, STEPS - 2) * step)),
      zero,
      last,
      type,
    )
  const scale = v128.load(scratch + SCALE)
  attempt(scratch, weights, count, moved(scale, widest, step), zero, moved(scale, widest, -step), zero, last, type)
  attempt(
    scratch,
    weights,
    count,
    moved(scale, widest, 2 * step),
    zero,
    moved(scale, widest, -2 * step),
    zero,
    last,
    type,
  )
  if (!isSymmetric) {
    const nearer = v128.load(scratch + SCALE)
    const up = f64x2.add(zero, f64x2.splat(1))
    const down = f64x2.sub(zero, f64x2.splat(1))
    attempt(scratch, weights, count, nearer, up, moved(nearer, widest, step), up, last, type)
    attempt(scratch, weights, count, moved(nearer, widest, -step), up, nearer, down, last, type)
    attempt(scratch, weights, count, moved(nearer, widest, step), down, moved(nearer, widest, -step), down, last, type)
  }
  for (let turn = 0; turn < 2; turn++) {
    const before = v128.load(scratch + SCALE)
    const used = v128.load(scratch + ZERO)
    const again = refit(scratch, weights, count, last)
    attempt(scratch, weights, count, again, used, again, used, last, type)
    // An unchanged scale gives the same codes, and so itself again.
    if (i64x2.all_true(f64x2.eq(before, v128.load(scratch + SCALE)))) break
  }
}

@inline
function moved(scale: v128, widest: v128, by: f64): v128 {
  return f64x2.add(scale, f64x2.mul(f64x2.splat(by), widest))
}
