import { madd } from './simd'

/**
 * e^x for four lanes: x = n·ln 2 + r with |r| ≤ ln 2 / 2, the Taylor polynomial of degree 7 in r (truncated at 5e-9 of the
 * value), then 2^n by exponent arithmetic. Below −87.3 the result is 0, and e^−∞ is 0; NaN stays NaN.
 */
export function exp4(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, f32x4.splat(88.3762626647949)), f32x4.splat(-87.3365478515625))
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(1.4426950408889634)))
  // ln 2 in two parts keeps r exact.
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375)))
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)))
  let p = f32x4.splat(1.0 / 5040)
  p = madd(p, r, f32x4.splat(1.0 / 720))
  p = madd(p, r, f32x4.splat(1.0 / 120))
  p = madd(p, r, f32x4.splat(1.0 / 24))
  p = madd(p, r, f32x4.splat(1.0 / 6))
  p = madd(p, r, f32x4.splat(0.5))
  p = madd(p, r, f32x4.splat(1))
  p = madd(p, r, f32x4.splat(1))
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  const value = f32x4.mul(p, scale)
  // Underflow is 0, NaN stays NaN.
  return v128.or(v128.and(value, f32x4.ge(x, f32x4.splat(-87.3365478515625))), v128.and(x, f32x4.ne(x, x)))
}

/** tanh: the odd series below 0.25, where the quotient loses digits. */
export function tanh4(x: v128): v128 {
  const square = f32x4.mul(x, x)
  let series = f32x4.splat(-17.0 / 315)
  series = f32x4.add(f32x4.mul(series, square), f32x4.splat(2.0 / 15))
  series = f32x4.add(f32x4.mul(series, square), f32x4.splat(-1.0 / 3))
  series = f32x4.add(f32x4.mul(series, square), f32x4.splat(1))
  const near = f32x4.mul(x, series)
  const far = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(exp4(f32x4.mul(x, f32x4.splat(2))), f32x4.splat(1))))
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.25)))
}

/** Natural logarithm of a positive, finite x: x = m · 2^e with m around 1, log m by the series of 2·artanh((m − 1) / (m + 1)). */
export function logarithm(x: f32): f32 {
  const bits = reinterpret<u64>(<f64>x)
  let exponent: i64 = <i64>(bits >> 52) - 1023
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000)
  if (m > 1.4142135623730951) {
    m *= 0.5
    exponent += 1
  }
  const z = (m - 1) / (m + 1), square = z * z
  let series: f64 = 1.0 / 15
  series = series * square + 1.0 / 13
  series = series * square + 1.0 / 11
  series = series * square + 1.0 / 9
  series = series * square + 1.0 / 7
  series = series * square + 1.0 / 5
  series = series * square + 1.0 / 3
  series = series * square + 1
  return <f32>(2 * z * series + <f64>exponent * 0.6931471805599453)
}

/** e^x of one value. */
// @ts-ignore: decorator
@inline
export function exponential(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0)
}
