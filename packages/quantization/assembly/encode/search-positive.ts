import { explainsMore } from './search-scale'
import { isLarge, nearestCode, ratioOf } from './sums'

/** A scale ≥ 0 for codes 0 … last of values ≥ 0: as `searchPositiveScale` of src/format/encode. */
export function searchPositiveScale(x: usize, count: i32, last: f32, weights: usize, codes: usize): v128 {
  const zero = f32x4.splat(0)
  const most = f32x4.splat(last)
  const bytes: usize = (<usize>count) << 4
  let maximum = zero
  for (let i: usize = 0; i < bytes; i += 16) maximum = f32x4.pmax(maximum, v128.load(x + i))
  const live = isLarge(maximum)
  let inverse = f32x4.div(most, maximum)
  let least = errorOf(x, bytes, most, weights, inverse)
  for (let n = -4; n <= 4; n++) {
    if (n == 0) continue
    const candidate = f32x4.div(f32x4.splat(<f32>0.1 * <f32>n + last), maximum)
    const error = errorOf(x, bytes, most, weights, candidate)
    const better = f32x4.lt(error, least)
    least = v128.bitselect(error, least, better)
    inverse = v128.bitselect(candidate, inverse, better)
  }
  let products = zero
  let squares = zero
  for (let i: usize = 0; i < bytes; i += 16) {
    const value = v128.load(x + i)
    const weight = v128.load(weights + i)
    const code = f32x4.pmin(f32x4.nearest(f32x4.mul(inverse, value)), most)
    v128.store(codes + i, code)
    products = f32x4.add(products, f32x4.mul(f32x4.mul(weight, value), code))
    squares = f32x4.add(squares, f32x4.mul(f32x4.mul(weight, code), code))
  }
  for (let round = 0; round < 5; round++) {
    let changed = zero
    for (let i: usize = 0; i < bytes; i += 16) {
      const value = v128.load(x + i)
      const weight = v128.load(weights + i)
      const code = v128.load(codes + i)
      const product = f32x4.mul(weight, value)
      let otherProducts = f32x4.sub(products, f32x4.mul(product, code))
      let otherSquares = f32x4.sub(squares, f32x4.mul(f32x4.mul(weight, code), code))
      let isBetter = v128.and(f32x4.gt(otherProducts, zero), f32x4.gt(otherSquares, zero))
      const better = nearestCode(f32x4.div(f32x4.mul(value, otherSquares), otherProducts), zero, most)
      otherProducts = f32x4.add(otherProducts, f32x4.mul(product, better))
      otherSquares = f32x4.add(otherSquares, f32x4.mul(f32x4.mul(weight, better), better))
      isBetter = v128.and(
        v128.and(isBetter, f32x4.ne(better, code)),
        explainsMore(otherProducts, otherSquares, products, squares),
      )
      v128.store(codes + i, v128.bitselect(better, code, isBetter))
      products = v128.bitselect(otherProducts, products, isBetter)
      squares = v128.bitselect(otherSquares, squares, isBetter)
      changed = v128.or(changed, isBetter)
    }
    if (!v128.any_true(v128.and(changed, live))) break
  }
  for (let i: usize = 0; i < bytes; i += 16) v128.store(codes + i, v128.and(live, v128.load(codes + i)))
  return v128.and(live, ratioOf(products, squares))
}

function errorOf(x: usize, bytes: usize, most: v128, weights: usize, inverse: v128): v128 {
  const scale = f32x4.div(f32x4.splat(1), inverse)
  let error = f32x4.splat(0)
  for (let i: usize = 0; i < bytes; i += 16) {
    const value = v128.load(x + i)
    const code = f32x4.pmin(f32x4.nearest(f32x4.mul(inverse, value)), most)
    const difference = f32x4.sub(value, f32x4.mul(scale, code))
    error = f32x4.add(error, f32x4.mul(f32x4.mul(v128.load(weights + i), difference), difference))
  }
  return error
}

/** Codes 0 … last of values ≥ 0 for the scale max / last, which is returned. */
export function roundToLargest(x: usize, count: i32, last: f32, codes: usize): v128 {
  const zero = f32x4.splat(0)
  const most = f32x4.splat(last)
  const bytes: usize = (<usize>count) << 4
  let maximum = zero
  for (let i: usize = 0; i < bytes; i += 16) maximum = f32x4.pmax(maximum, v128.load(x + i))
  const inverse = ratioOf(most, maximum)
  for (let i: usize = 0; i < bytes; i += 16)
    v128.store(codes + i, f32x4.pmin(f32x4.nearest(f32x4.mul(inverse, v128.load(x + i))), most))
  return f32x4.div(maximum, most)
}
