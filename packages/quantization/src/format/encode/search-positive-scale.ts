import { f32, nearestEven } from './rounding.ts'
import { negligible } from './search-scale.ts'

/**
 * A scale ≥ 0 for codes 0 … last of values ≥ 0: tries the scales max / (last + n / 10), n = −4 … 4, for the least
 * weighted squared error, then moves single codes five times over as long as the refitted scale explains more. Writes
 * codes[0 … count) and returns the scale.
 */
export function searchPositiveScale(
  x: Float32Array,
  count: number,
  last: number,
  weights: Float32Array,
  codes: Uint8Array,
): number {
  let maximum = 0
  for (let i = 0; i < count; i++) maximum = Math.max(maximum, x[i] as number)
  if (maximum < f32(negligible)) {
    codes.fill(0, 0, count)
    return 0
  }
  let inverse = f32(last / maximum)
  let least = errorOf(x, count, last, weights, inverse)
  for (let n = -4; n <= 4; n++) {
    if (n === 0) continue
    const candidate = f32(f32(f32(f32(0.1) * n) + last) / maximum)
    const error = errorOf(x, count, last, weights, candidate)
    if (error < least) {
      least = error
      inverse = candidate
    }
  }
  let products = 0
  let squares = 0
  for (let i = 0; i < count; i++) {
    const code = Math.min(nearestEven(f32(inverse * (x[i] as number))), last)
    codes[i] = code
    products = f32(products + productOf(weights[i] as number, x[i] as number, code))
    squares = f32(squares + productOf(weights[i] as number, code, code))
  }
  for (let round = 0; round < 5; round++) {
    let isChanged = false
    for (let i = 0; i < count; i++) {
      const value = x[i] as number
      const weight = weights[i] as number
      const code = codes[i] as number
      let otherProducts = f32(products - productOf(weight, value, code))
      let otherSquares = f32(squares - productOf(weight, code, code))
      if (!(otherProducts > 0 && otherSquares > 0)) continue
      const better = Math.min(nearestEven(f32(f32(value * otherSquares) / otherProducts)), last)
      if (better === code) continue
      otherProducts = f32(otherProducts + productOf(weight, value, better))
      otherSquares = f32(otherSquares + productOf(weight, better, better))
      if (!explainsMore(otherProducts, otherSquares, products, squares)) continue
      codes[i] = better
      products = otherProducts
      squares = otherSquares
      isChanged = true
    }
    if (!isChanged) break
  }
  return squares > 0 ? f32(products / squares) : 0
}

/** weight · a · b, rounded after each product. */
export function productOf(weight: number, a: number, b: number): number {
  return f32(f32(weight * a) * b)
}

/**
 * True when a fit with Σ w·x·code = `products` and Σ w·code² = `squares` explains more of the weighted square than the
 * other.
 */
export function explainsMore(products: number, squares: number, otherProducts: number, otherSquares: number): boolean {
  return f32(f32(products * products) * otherSquares) > f32(f32(otherProducts * otherProducts) * squares)
}

function errorOf(x: Float32Array, count: number, last: number, weights: Float32Array, inverse: number): number {
  const scale = f32(1 / inverse)
  let error = 0
  for (let i = 0; i < count; i++) {
    const code = Math.min(nearestEven(f32(inverse * (x[i] as number))), last)
    const difference = f32((x[i] as number) - f32(scale * code))
    error = f32(error + productOf(weights[i] as number, difference, difference))
  }
  return error
}
