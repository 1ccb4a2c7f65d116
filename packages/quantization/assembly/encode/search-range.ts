import { SUMS, TRIAL } from './blocks'
import { nearestCode } from './sums'

/**
 * A scale and a minimum ≤ 0 for codes 0 … last: as `searchScaleAndMinimum` of src/format/encode. The minimum, negated,
 * goes to `minimumAt`. Codes are not kept for each trial: the scale and the minimum that produced them give them again.
 */
export function searchRange(
  scratch: usize,
  x: usize,
  weights: usize,
  count: i32,
  last: f32,
  first: f32,
  step: f32,
  steps: i32,
  absolute: bool,
  codes: usize,
  minimumAt: usize,
): v128 {
  const bytes: usize = (<usize>count) << 4
  const zero = f32x4.splat(0)
  const most = f32x4.splat(last)
  const sums = scratch + SUMS
  let minimum = v128.load(x)
  let maximum = minimum
  let sumW = v128.load(weights)
  let sumX = f32x4.mul(sumW, minimum)
  for (let i: usize = 16; i < bytes; i += 16) {
    const value = v128.load(x + i)
    const weight = v128.load(weights + i)
    minimum = f32x4.pmin(minimum, value)
    maximum = f32x4.pmax(maximum, value)
    sumW = f32x4.add(sumW, weight)
    sumX = f32x4.add(sumX, f32x4.mul(weight, value))
  }
  minimum = f32x4.pmin(minimum, zero)
  const live = f32x4.gt(maximum, minimum)
  const lowest = minimum
  let inverse = f32x4.div(most, f32x4.sub(maximum, minimum))
  let from = minimum
  let scale = f32x4.div(f32x4.splat(1), inverse)
  fitRange(scratch, x, weights, bytes, most, inverse, minimum)
  let least = absolute
    ? absoluteError(scratch, x, weights, bytes, scale, minimum)
    : squaredError(scratch, x, weights, bytes, scale, minimum)
  for (let n = 0; n <= steps; n++) {
    const candidate = f32x4.div(f32x4.splat(first + step * <f32>n + last), f32x4.sub(maximum, minimum))
    fitRange(scratch, x, weights, bytes, most, candidate, minimum)
    const sumC = v128.load(sums)
    const sumCC = v128.load(sums, 16)
    const sumXC = v128.load(sums, 32)
    const determinant = f32x4.sub(f32x4.mul(sumW, sumCC), f32x4.mul(sumC, sumC))
    let newScale = f32x4.div(f32x4.sub(f32x4.mul(sumW, sumXC), f32x4.mul(sumX, sumC)), determinant)
    let newMinimum = f32x4.div(f32x4.sub(f32x4.mul(sumCC, sumX), f32x4.mul(sumC, sumXC)), determinant)
    const positive = f32x4.gt(newMinimum, zero)
    newMinimum = v128.andnot(newMinimum, positive)
    newScale = v128.bitselect(f32x4.div(sumXC, sumCC), newScale, positive)
    const error = absolute
      ? absoluteError(scratch, x, weights, bytes, newScale, newMinimum)
      : squaredError(scratch, x, weights, bytes, newScale, newMinimum)
    const better = v128.and(f32x4.gt(determinant, zero), f32x4.lt(error, least))
    least = v128.bitselect(error, least, better)
    inverse = v128.bitselect(candidate, inverse, better)
    from = v128.bitselect(minimum, from, better)
    scale = v128.bitselect(newScale, scale, better)
    minimum = v128.bitselect(newMinimum, minimum, better)
  }
  for (let i: usize = 0; i < bytes; i += 16)
    v128.store(codes + i, v128.and(live, codeOf(v128.load(x + i), inverse, from, most)))
  v128.store(minimumAt, f32x4.neg(v128.bitselect(minimum, lowest, live)))
  return v128.and(scale, live)
}

/** The range of a later trial may be empty: then infinities become the last code and NaN becomes 0. */
@inline
function codeOf(value: v128, inverse: v128, minimum: v128, most: v128): v128 {
  return nearestCode(f32x4.mul(inverse, f32x4.sub(value, minimum)), f32x4.splat(0), most)
}

/** Codes of (x − minimum) · inverse, and Σ w·c, Σ w·c², Σ w·c·x of them. */
@inline
function fitRange(
  scratch: usize,
  x: usize,
  weights: usize,
  bytes: usize,
  most: v128,
  inverse: v128,
  minimum: v128,
): void {
  let sumC = f32x4.splat(0)
  let sumCC = sumC
  let sumXC = sumC
  let trial = scratch + TRIAL
  for (const end = x + bytes; x < end; x += 16, weights += 16, trial += 16) {
    const value = v128.load(x)
    const code = codeOf(value, inverse, minimum, most)
    const weighed = f32x4.mul(v128.load(weights), code)
    v128.store(trial, code)
    sumC = f32x4.add(sumC, weighed)
    sumCC = f32x4.add(sumCC, f32x4.mul(weighed, code))
    sumXC = f32x4.add(sumXC, f32x4.mul(weighed, value))
  }
  v128.store(scratch + SUMS, sumC)
  v128.store(scratch + SUMS, sumCC, 16)
  v128.store(scratch + SUMS, sumXC, 32)
}

@inline
function squaredError(scratch: usize, x: usize, weights: usize, bytes: usize, scale: v128, minimum: v128): v128 {
  let error = f32x4.splat(0)
  let trial = scratch + TRIAL
  for (const end = x + bytes; x < end; x += 16, weights += 16, trial += 16) {
    const difference = f32x4.sub(f32x4.add(f32x4.mul(scale, v128.load(trial)), minimum), v128.load(x))
    error = f32x4.add(error, f32x4.mul(v128.load(weights), f32x4.mul(difference, difference)))
  }
  return error
}

function absoluteError(scratch: usize, x: usize, weights: usize, bytes: usize, scale: v128, minimum: v128): v128 {
  let error = f32x4.splat(0)
  let trial = scratch + TRIAL
  for (const end = x + bytes; x < end; x += 16, weights += 16, trial += 16) {
    const difference = f32x4.sub(f32x4.add(f32x4.mul(scale, v128.load(trial)), minimum), v128.load(x))
    error = f32x4.add(error, f32x4.mul(v128.load(weights), f32x4.abs(difference)))
  }
  return error
}
