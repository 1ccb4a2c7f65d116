// Sums and extremes of groups: `count` vectors from x on, a group in each lane.

/** Value of largest magnitude, with its sign; the first of equals, 0 if all are 0. */
export function extremeOf(x: usize, count: i32): v128 {
  let extreme = f32x4.splat(0)
  let magnitude = extreme
  for (const end = x + ((<usize>count) << 4); x < end; x += 16) {
    const value = v128.load(x)
    const absolute = f32x4.abs(value)
    extreme = v128.bitselect(value, extreme, f32x4.gt(absolute, magnitude))
    magnitude = f32x4.pmax(magnitude, absolute)
  }
  return extreme
}

export function sumOfSquares(x: usize, count: i32): v128 {
  let sum = f32x4.splat(0)
  for (const end = x + ((<usize>count) << 4); x < end; x += 16)
    sum = f32x4.add(sum, f32x4.mul(v128.load(x), v128.load(x)))
  return sum
}

export function sumOf(x: usize, count: i32): v128 {
  let sum = f32x4.splat(0)
  for (const end = x + ((<usize>count) << 4); x < end; x += 16) sum = f32x4.add(sum, v128.load(x))
  return sum
}

/** weights[i] = importance[i] · √(variance + x[i]²). */
export function weighByImportance(x: usize, importance: usize, count: i32, variance: v128, weights: usize): void {
  for (const end = x + ((<usize>count) << 4); x < end; x += 16, importance += 16, weights += 16) {
    const value = v128.load(x)
    v128.store(weights, f32x4.mul(v128.load(importance), f32x4.sqrt(f32x4.add(variance, f32x4.mul(value, value)))))
  }
}

export function weighBySquares(x: usize, count: i32, weights: usize): void {
  for (const end = x + ((<usize>count) << 4); x < end; x += 16, weights += 16)
    v128.store(weights, f32x4.mul(v128.load(x), v128.load(x)))
}

/** 1 / v where v is not 0, else 0. */
@inline
export function inverseOf(v: v128): v128 {
  return v128.and(f32x4.div(f32x4.splat(1), v), f32x4.ne(v, f32x4.splat(0)))
}

/** a / b where b > 0, else 0. */
@inline
export function ratioOf(a: v128, b: v128): v128 {
  return v128.and(f32x4.div(a, b), f32x4.gt(b, f32x4.splat(0)))
}

/** The nearest whole number from `least` to `most`. */
@inline
export function nearestCode(scaled: v128, least: v128, most: v128): v128 {
  return f32x4.pmax(least, f32x4.pmin(f32x4.nearest(scaled), most))
}

/** Lanes whose extreme is large enough for a scale of its own. */
@inline
export function isLarge(extreme: v128): v128 {
  return f32x4.ge(f32x4.abs(extreme), f32x4.splat(1e-15))
}
