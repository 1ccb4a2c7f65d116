import { extremeOf, f32, nearestEven } from './rounding.ts'
import { explainsMore, productOf } from './search-positive-scale.ts'
import { negligible, signedCode } from './search-scale.ts'

/**
 * A signed scale for codes −half … half − 1 (stored as 0 … 2·half − 1) of values that weigh their own squares: starts
 * from extreme / −half and moves single codes five times over as long as the refitted scale explains more. Writes
 * codes[to … to + count) and returns the scale.
 */
export function refineCodes(
  x: Float32Array,
  at: number,
  count: number,
  half: number,
  codes: Uint8Array,
  to: number,
): number {
  const extreme = extremeOf(x, at, count)
  if (Math.abs(extreme) < f32(negligible)) {
    codes.fill(0, to, to + count)
    return 0
  }
  const inverse = f32(-half / extreme)
  let products = 0
  let squares = 0
  for (let i = 0; i < count; i++) {
    const value = x[at + i] as number
    const code = signedCode(f32(inverse * value), half)
    const weight = f32(value * value)
    codes[to + i] = code + half
    products = f32(products + productOf(weight, value, code))
    squares = f32(squares + productOf(weight, code, code))
  }
  for (let round = 0; round < 5; round++) {
    let isChanged = false
    for (let i = 0; i < count; i++) {
      const value = x[at + i] as number
      const weight = f32(value * value)
      const code = (codes[to + i] as number) - half
      let otherProducts = f32(products - productOf(weight, value, code))
      if (!(otherProducts > 0)) continue
      let otherSquares = f32(squares - productOf(weight, code, code))
      const better = Math.max(-half, Math.min(nearestEven(f32(f32(value * otherSquares) / otherProducts)), half - 1))
      if (better === code) continue
      otherProducts = f32(otherProducts + productOf(weight, value, better))
      otherSquares = f32(otherSquares + productOf(weight, better, better))
      if (!(otherSquares > 0 && explainsMore(otherProducts, otherSquares, products, squares))) continue
      codes[to + i] = better + half
      products = otherProducts
      squares = otherSquares
      isChanged = true
    }
    if (!isChanged) break
  }
  return squares > 0 ? f32(products / squares) : 0
}
