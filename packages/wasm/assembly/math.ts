import { madd, nmadd } from './simd'

/**
 * e^x for four lanes: x = n·ln 2 + r with |r| ≤ ln 2 / 2, the Taylor polynomial of degree 7 in r (truncated at 5e-9 of the
 * value), then 2^n by exponent arithmetic. Adding 1.5·2^23 rounds to the nearest n and leaves it in the low bits. Below −87.3
 * the result is 0, and e^−∞ is 0; from 88.4 on it is ∞; NaN stays NaN.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const lowest = f32x4.splat(-87.3365478515625)
  const clamped = f32x4.pmin(f32x4.pmax(x, lowest), f32x4.splat(88.7228))
  const shifted = madd(clamped, f32x4.splat(1.4426950408889634), f32x4.splat(12582912))
  const n = f32x4.sub(shifted, f32x4.splat(12582912))
  // ln 2 in two parts keeps r exact.
  const r = nmadd(n, f32x4.splat(-2.12194440e-4), nmadd(n, f32x4.splat(0.693359375), clamped))
  let p = f32x4.splat(1.0 / 5040)
  p = madd(p, r, f32x4.splat(1.0 / 720))
  p = madd(p, r, f32x4.splat(1.0 / 120))
  p = madd(p, r, f32x4.splat(1.0 / 24))
  p = madd(p, r, f32x4.splat(1.0 / 6))
  p = madd(p, r, f32x4.splat(0.5))
  p = madd(p, r, f32x4.splat(1))
  p = madd(p, r, f32x4.splat(1))
  const scale = i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(0x3f800000))
  return v128.andnot(f32x4.mul(p, scale), f32x4.lt(x, lowest))
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
