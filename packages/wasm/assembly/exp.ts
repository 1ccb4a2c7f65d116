import { madd } from './simd'

/**
 * e^x for four lanes, to 2 ulp: x = n·ln 2 + r with |r| ≤ ln 2 / 2, a polynomial of degree 6 in r (Taylor coefficients,
 * truncation below 1e-9 relative there... see exp.test), then 2^n by exponent arithmetic. Below −87.3 the result is 0.
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
