import { exp4, madd, tanh4 } from '@tessera-llm/wasm/assembly/lib'

// Activation functions on four lanes, numbered as in src/activation/codes.ts. Results are finite wherever the function
// is.

export const SILU: u32 = 0
export const GELU_ERF: u32 = 1
export const GELU_TANH: u32 = 2
export const QUICK_GELU: u32 = 3
export const RELU: u32 = 4
export const RELU2: u32 = 5
export const TANH: u32 = 6
export const SIGMOID: u32 = 7

/** f(x). `kind` is a constant at each call, so one branch remains after inlining. */
@inline
export function activate4(kind: u32, x: v128): v128 {
  if (kind == SILU) return silu4(x)
  if (kind == GELU_ERF) return geluErf4(x)
  if (kind == GELU_TANH) return geluTanh4(x)
  if (kind == QUICK_GELU) return f32x4.mul(x, sigmoid4(f32x4.mul(x, f32x4.splat(1.702))))
  if (kind == RELU) return f32x4.pmax(f32x4.splat(0), x)
  if (kind == RELU2) {
    const positive = f32x4.pmax(f32x4.splat(0), x)
    return f32x4.mul(positive, positive)
  }
  if (kind == TANH) return tanh4(x)
  return sigmoid4(x)
}

/** x / (1 + e^−x) */
@inline
export function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))))
}

/** 1 / (1 + e^−x) */
@inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))))
}

/** GELU with tanh (Hendrycks and Gimpel 2016, arXiv 1606.08415): x · sigmoid(2 · √(2/π) · (x + 0.044715 x³)). */
@inline
export function geluTanh4(x: v128): v128 {
  const cubic = f32x4.mul(f32x4.mul(f32x4.mul(x, x), x), f32x4.splat(0.044715))
  return f32x4.mul(x, sigmoid4(f32x4.mul(f32x4.add(x, cubic), f32x4.splat(1.5957691216057308))))
}

/**
 * GELU with the error function: x · (1 + erf(x / √2)) / 2 = x · (½ + h), with h(x) ≈ x · P(x²) / Q(x²), fitted for the
 * least relative error (1e-8) up to |x| = 5.3. Beyond, h rounds to ±½ in f32. Costs one division and no exponential.
 */
@inline
export function geluErf4(x: v128): v128 {
  const u = f32x4.mul(x, x)
  let p = madd(u, f32x4.splat(2.42692515e-8), f32x4.splat(6.35498554e-6))
  p = madd(u, p, f32x4.splat(1.57291783e-4))
  p = madd(u, p, f32x4.splat(4.60976269e-3))
  p = madd(u, p, f32x4.splat(3.26416977e-2))
  p = madd(u, p, f32x4.splat(0.398942262))
  let q = madd(u, f32x4.splat(1.24172436e-6), f32x4.splat(7.03552432e-5))
  q = madd(u, q, f32x4.splat(1.81951199e-3))
  q = madd(u, q, f32x4.splat(2.79698875e-2))
  q = madd(u, q, f32x4.splat(0.248487115))
  q = madd(u, q, f32x4.splat(1))
  const limit = v128.bitselect(x, f32x4.splat(0.5), i32x4.splat(0x80000000))
  const h = v128.bitselect(limit, f32x4.div(f32x4.mul(x, p), q), f32x4.gt(f32x4.abs(x), f32x4.splat(5.3)))
  return f32x4.mul(x, f32x4.add(f32x4.splat(0.5), h))
}
