import { PRODUCTS, SUMS, WEIGHTS } from './blocks'
import { extremeOf, isLarge, nearestCode, ratioOf } from './sums'

/**
 * A signed scale for codes −half … half − 1, which are stored as 0 … 2·half − 1: as `searchScale` of src/format/encode,
 * where the steps are explained. `weights` may be a group's own, in scratch.
 */
export function searchScale(scratch: usize, x: usize, weights: usize, count: i32, half: f32, codes: usize): v128 {
  const extreme = extremeOf(x, count)
  const live = isLarge(extreme)
  if (!v128.any_true(live)) {
    for (let i = 0; i < count; i++, codes += 16) v128.store(codes, f32x4.splat(0))
    return f32x4.splat(0)
  }
  const bytes: usize = (<usize>count) << 4
  for (let i: usize = 0; i < bytes; i += 16)
    v128.store(scratch + PRODUCTS + i, f32x4.mul(v128.load(weights + i), v128.load(x + i)))
  const zero = f32x4.splat(0)
  const squaresAt = scratch + SUMS
  let inverse = f32x4.div(f32x4.splat(-half), extreme)
  let products = fitCodes(scratch, x, weights, bytes, half, inverse)
  let scale = ratioOf(products, v128.load(squaresAt))
  let best = f32x4.mul(scale, products)
  for (let n = -9; n <= 9; n++) {
    if (n == 0) continue
    const candidate = f32x4.div(f32x4.splat(-(half + <f32>0.1 * <f32>n)), extreme)
    products = fitCodes(scratch, x, weights, bytes, half, candidate)
    const squares = v128.load(squaresAt)
    const better = v128.and(f32x4.gt(squares, zero), f32x4.gt(f32x4.mul(products, products), f32x4.mul(best, squares)))
    if (!v128.any_true(better)) continue
    inverse = v128.bitselect(candidate, inverse, better)
    scale = v128.bitselect(f32x4.div(products, squares), scale, better)
    best = v128.bitselect(f32x4.mul(scale, products), best, better)
  }
  const least = f32x4.splat(-half)
  const most = f32x4.splat(half - 1)
  const middle = f32x4.splat(half)
  for (const end = x + bytes; x < end; x += 16, codes += 16) {
    v128.store(codes, v128.and(live, f32x4.add(middle, nearestCode(f32x4.mul(inverse, v128.load(x)), least, most))))
  }
  return v128.and(scale, live)
}

/** Σ w·x·code of the codes of x · inverse; Σ w·code² goes to scratch. */
@inline
function fitCodes(scratch: usize, x: usize, weights: usize, bytes: usize, half: f32, inverse: v128): v128 {
  const least = f32x4.splat(-half)
  const most = f32x4.splat(half - 1)
  let products = f32x4.splat(0)
  let squares = products
  let weighed = scratch + PRODUCTS
  for (const end = x + bytes; x < end; x += 16, weights += 16, weighed += 16) {
    const code = nearestCode(f32x4.mul(inverse, v128.load(x)), least, most)
    products = f32x4.add(products, f32x4.mul(v128.load(weighed), code))
    squares = f32x4.add(squares, f32x4.mul(f32x4.mul(v128.load(weights), code), code))
  }
  v128.store(scratch + SUMS, squares)
  return products
}

/**
 * A signed scale for codes −half … half − 1 of values that weigh their squares, by moving single codes: as
 * `refineCodes` of src/format/encode.
 */
export function refineCodes(scratch: usize, x: usize, count: i32, half: f32, codes: usize): v128 {
  const extreme = extremeOf(x, count)
  const live = isLarge(extreme)
  const zero = f32x4.splat(0)
  const least = f32x4.splat(-half)
  const most = f32x4.splat(half - 1)
  const inverse = f32x4.div(least, extreme)
  const bytes: usize = (<usize>count) << 4
  const weights = scratch + WEIGHTS
  const weighed = scratch + PRODUCTS
  let products = zero
  let squares = zero
  for (let i: usize = 0; i < bytes; i += 16) {
    const value = v128.load(x + i)
    const weight = f32x4.mul(value, value)
    const product = f32x4.mul(weight, value)
    const code = nearestCode(f32x4.mul(inverse, value), least, most)
    v128.store(weights + i, weight)
    v128.store(weighed + i, product)
    v128.store(codes + i, code)
    products = f32x4.add(products, f32x4.mul(product, code))
    squares = f32x4.add(squares, f32x4.mul(f32x4.mul(weight, code), code))
  }
  for (let round = 0; round < 5; round++) {
    let changed = zero
    for (let i: usize = 0; i < bytes; i += 16) {
      const weight = v128.load(weights + i)
      const product = v128.load(weighed + i)
      const code = v128.load(codes + i)
      let otherProducts = f32x4.sub(products, f32x4.mul(product, code))
      let otherSquares = f32x4.sub(squares, f32x4.mul(f32x4.mul(weight, code), code))
      const better = nearestCode(f32x4.div(f32x4.mul(v128.load(x + i), otherSquares), otherProducts), least, most)
      let isBetter = v128.and(f32x4.gt(otherProducts, zero), f32x4.ne(better, code))
      otherProducts = f32x4.add(otherProducts, f32x4.mul(product, better))
      otherSquares = f32x4.add(otherSquares, f32x4.mul(f32x4.mul(weight, better), better))
      isBetter = v128.and(
        isBetter,
        v128.and(f32x4.gt(otherSquares, zero), explainsMore(otherProducts, otherSquares, products, squares)),
      )
      v128.store(codes + i, v128.bitselect(better, code, isBetter))
      products = v128.bitselect(otherProducts, products, isBetter)
      squares = v128.bitselect(otherSquares, squares, isBetter)
      changed = v128.or(changed, isBetter)
    }
    if (!v128.any_true(v128.and(changed, live))) break
  }
  for (const end = codes + bytes; codes < end; codes += 16)
    v128.store(codes, v128.and(live, f32x4.add(v128.load(codes), f32x4.splat(half))))
  return v128.and(live, ratioOf(products, squares))
}

@inline
export function explainsMore(products: v128, squares: v128, otherProducts: v128, otherSquares: v128): v128 {
  return f32x4.gt(
    f32x4.mul(f32x4.mul(products, products), otherSquares),
    f32x4.mul(f32x4.mul(otherProducts, otherProducts), squares),
  )
}
