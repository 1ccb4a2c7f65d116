import { extremeOf, f32, nearestEven } from './rounding.ts'

/** Groups whose largest magnitude is below this are stored as zeros. */
export const negligible = 1e-15

/**
 * A signed scale for codes −half … half − 1 that are stored as 0 … 2·half − 1. Tries the scales extreme / −(half + n /
 * 10), n = −9 … 9, refits each by weighted least squares, and keeps the one that explains most of the weighted square.
 * Without `weights` each value weighs its own square. Writes codes[to … to + count) and returns the scale.
 */
export function searchScale(
  x: Float32Array,
  at: number,
  count: number,
  half: number,
  weights: Float32Array | undefined,
  codes: Uint8Array,
  to: number,
): number {
  const extreme = extremeOf(x, at, count)
  if (Math.abs(extreme) < f32(negligible)) {
    codes.fill(0, to, to + count)
    return 0
  }
  const sums = fitCodes(x, at, count, half, weights, f32(-half / extreme))
  let scale = sums.squares ? f32(sums.products / sums.squares) : 0
  let best = f32(scale * sums.products)
  let inverse = f32(-half / extreme)
  for (let n = -9; n <= 9; n++) {
    if (n === 0) continue
    const candidate = f32(f32(-f32(half + f32(f32(0.1) * n))) / extreme)
    fitCodes(x, at, count, half, weights, candidate)
    if (sums.squares > 0 && f32(sums.products * sums.products) > f32(best * sums.squares)) {
      inverse = candidate
      scale = f32(sums.products / sums.squares)
      best = f32(scale * sums.products)
    }
  }
  for (let i = 0; i < count; i++) codes[to + i] = half + signedCode(f32(inverse * (x[at + i] as number)), half)
  return scale
}

/** Nearest code −half … half − 1. */
export function signedCode(scaled: number, half: number): number {
  const code = nearestEven(scaled)
  return code < -half ? -half : Math.min(code, half - 1)
}

const sums = { products: 0, squares: 0 }

/** Σ w·x·code and Σ w·code² for the codes of x · inverse. */
function fitCodes(
  x: Float32Array,
  at: number,
  count: number,
  half: number,
  weights: Float32Array | undefined,
  inverse: number,
): typeof sums {
  let products = 0
  let squares = 0
  for (let i = 0; i < count; i++) {
    const value = x[at + i] as number
    const code = signedCode(f32(inverse * value), half)
    const weight = weights ? (weights[i] as number) : f32(value * value)
    products = f32(products + f32(f32(weight * value) * code))
    squares = f32(squares + f32(f32(weight * code) * code))
  }
  sums.products = products
  sums.squares = squares
  return sums
}
