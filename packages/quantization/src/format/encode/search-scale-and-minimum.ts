import { f32, nearestEven } from './rounding.ts'
import type { Scratch } from './row-encoder.ts'

/**
 * A scale and a minimum ≤ 0 for codes 0 … last. Starts from the range; then for n = 0 … steps takes the codes for the
 * scale range / (last + first + n · step), refits scale and minimum to them by weighted least squares, and keeps what
 * has the least weighted error (squared, or absolute). As in ggml, the range of the later trials is counted from the
 * best minimum so far. Writes codes[to … to + count) and `scratch.minimum` (negated), returns the scale.
 */
export function searchScaleAndMinimum(
  x: Float32Array,
  at: number,
  count: number,
  last: number,
  weights: Float32Array,
  codes: Uint8Array,
  to: number,
  scratch: Scratch,
  first: number,
  step: number,
  steps: number,
  absolute: boolean,
): number {
  let minimum = x[at] as number
  let maximum = minimum
  let sumW = weights[0] as number
  let sumX = f32(sumW * minimum)
  for (let i = 1; i < count; i++) {
    const value = x[at + i] as number
    const weight = weights[i] as number
    if (value < minimum) minimum = value
    if (value > maximum) maximum = value
    sumW = f32(sumW + weight)
    sumX = f32(sumX + f32(weight * value))
  }
  if (minimum > 0) minimum = 0
  if (maximum <= minimum) {
    codes.fill(0, to, to + count)
    scratch.minimum = -minimum
    return 0
  }
  const { trial } = scratch
  let scale = f32(1 / f32(last / f32(maximum - minimum)))
  fitRange(x, at, count, last, weights, trial, f32(last / f32(maximum - minimum)), minimum)
  for (let i = 0; i < count; i++) codes[to + i] = trial[i] as number
  let least = errorOf(x, at, count, weights, trial, scale, minimum, absolute, Number.POSITIVE_INFINITY)
  for (let n = 0; n <= steps; n++) {
    const inverse = f32(f32(f32(f32(first) + f32(f32(step) * n)) + last) / f32(maximum - minimum))
    fitRange(x, at, count, last, weights, trial, inverse, minimum)
    const { sumC, sumCC, sumXC } = sums
    const determinant = f32(f32(sumW * sumCC) - f32(sumC * sumC))
    if (!(determinant > 0)) continue
    let newScale = f32(f32(f32(sumW * sumXC) - f32(sumX * sumC)) / determinant)
    let newMinimum = f32(f32(f32(sumCC * sumX) - f32(sumC * sumXC)) / determinant)
    if (newMinimum > 0) {
      newMinimum = 0
      newScale = f32(sumXC / sumCC)
    }
    const error = errorOf(x, at, count, weights, trial, newScale, newMinimum, absolute, least)
    if (!(error < least)) continue
    for (let i = 0; i < count; i++) codes[to + i] = trial[i] as number
    least = error
    scale = newScale
    minimum = newMinimum
  }
  scratch.minimum = -minimum
  return scale
}

const sums = { sumC: 0, sumCC: 0, sumXC: 0 }

/** Codes of (x − minimum) · inverse, and Σ w·c, Σ w·c², Σ w·c·x of them. */
function fitRange(
  x: Float32Array,
  at: number,
  count: number,
  last: number,
  weights: Float32Array,
  codes: Uint8Array,
  inverse: number,
  minimum: number,
): void {
  let sumC = 0
  let sumCC = 0
  let sumXC = 0
  for (let i = 0; i < count; i++) {
    const value = x[at + i] as number
    // The range of a later trial may be empty: what is then infinite or not a number becomes the last code or 0.
    const scaled = f32(inverse * f32(value - minimum))
    const code = scaled > 0 ? nearestEven(Math.min(scaled, last)) : 0
    codes[i] = code
    const weighted = f32((weights[i] as number) * code)
    sumC = f32(sumC + weighted)
    sumCC = f32(sumCC + f32(weighted * code))
    sumXC = f32(sumXC + f32(weighted * value))
  }
  sums.sumC = sumC
  sums.sumCC = sumCC
  sums.sumXC = sumXC
}

/** The weighted error, or a part of it that is already no less than `most`. */
function errorOf(
  x: Float32Array,
  at: number,
  count: number,
  weights: Float32Array,
  codes: Uint8Array,
  scale: number,
  minimum: number,
  absolute: boolean,
  most: number,
): number {
  let error = 0
  for (let i = 0; i < count && error < most; i++) {
    const difference = f32(f32(f32(scale * (codes[i] as number)) + minimum) - (x[at + i] as number))
    error = f32(error + f32((weights[i] as number) * (absolute ? Math.abs(difference) : f32(difference * difference))))
  }
  return error
}
