import { EXP_HIGHEST, EXP_LOWEST, EXP_SERIES, LN2_HIGH, LN2_LOW, LOG2_E, ONE, ROUNDER, scalar } from './constants'
import { madd, nmadd } from './simd'

/**
 * e^x on four lanes: x = n·ln 2 + r with |r| ≤ ln 2 / 2, Taylor polynomial of degree 7 in r (truncation error 5e-9 of
 * the value), then 2^n by exponent arithmetic. Adding 1.5·2^23 rounds to the nearest n and leaves it in the low bits.
 * Below −87.3 the result is 0, and e^−∞ is 0; from 88.4 on it is ∞; NaN stays NaN. Constants are loaded: rematerialized
 * for each vector, they cost V8 as much as the arithmetic.
 */
@inline
export function exp4(x: v128): v128 {
  const lowest = scalar(EXP_LOWEST)
  const rounder = scalar(ROUNDER)
  const one = scalar(ONE)
  const clamped = f32x4.pmin(f32x4.pmax(x, lowest), scalar(EXP_HIGHEST))
  const shifted = madd(clamped, scalar(LOG2_E), rounder)
  const n = f32x4.sub(shifted, rounder)
  // ln 2 in two parts keeps r exact.
  const r = nmadd(n, scalar(LN2_LOW), nmadd(n, scalar(LN2_HIGH), clamped))
  let p = scalar(EXP_SERIES)
  p = madd(p, r, scalar(EXP_SERIES + 1))
  p = madd(p, r, scalar(EXP_SERIES + 2))
  p = madd(p, r, scalar(EXP_SERIES + 3))
  p = madd(p, r, scalar(EXP_SERIES + 4))
  p = madd(p, r, scalar(EXP_SERIES + 5))
  p = madd(p, r, one)
  p = madd(p, r, one)
  // The bits of 1 are the exponent's bias in its place.
  const scale = i32x4.add(i32x4.shl(shifted, 23), one)
  return v128.andnot(f32x4.mul(p, scale), f32x4.lt(x, lowest))
}

/** tanh; uses the odd series below 0.25, where the quotient loses digits. */
export function tanh4(x: v128): v128 {
  const square = f32x4.mul(x, x)
  let series = f32x4.splat(-17.0 / 315)
  series = f32x4.add(f32x4.mul(series, square), f32x4.splat(2.0 / 15))
  series = f32x4.add(f32x4.mul(series, square), f32x4.splat(-1.0 / 3))
  series = f32x4.add(f32x4.mul(series, square), f32x4.splat(1))
  const near = f32x4.mul(x, series)
  const far = f32x4.sub(
    f32x4.splat(1),
    f32x4.div(f32x4.splat(2), f32x4.add(exp4(f32x4.mul(x, f32x4.splat(2))), f32x4.splat(1))),
  )
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.25)))
}

/**
 * Natural logarithm of a positive, finite x: x = m · 2^e with m around 1, log m by the series of 2·artanh((m − 1) / (m
 * + 1)).
 */
export function logarithm(x: f32): f32 {
  const bits = reinterpret<u64>(<f64>x)
  let exponent: i64 = <i64>(bits >> 52) - 1023
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000)
  if (m > 1.4142135623730951) {
    m *= 0.5
    exponent += 1
  }
  const z = (m - 1) / (m + 1)
  const square = z * z
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
@inline
export function exponential(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0)
}
