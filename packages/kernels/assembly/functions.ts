import { exp4, tanh4 } from '@tessera-llm/wasm/assembly/lib'

// Activation functions of four lanes, by the numbers that src/activation/codes.ts gives their names. Each of them is finite
// wherever the function is.

export const SILU: u32 = 0
export const GELU_ERF: u32 = 1
export const GELU_TANH: u32 = 2
export const QUICK_GELU: u32 = 3
export const RELU: u32 = 4
export const RELU2: u32 = 5
export const TANH: u32 = 6
export const SIGMOID: u32 = 7

/** f(x); `kind` is a constant at each call, so that one branch remains. */
// @ts-ignore: decorator
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
// @ts-ignore: decorator
@inline
export function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))))
}

/** 1 / (1 + e^−x) */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))))
}

/** GELU with tanh (Hendrycks and Gimpel 2016, arXiv 1606.08415): x · sigmoid(2 · √(2/π) · (x + 0.044715 x³)). */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const cubic = f32x4.mul(f32x4.mul(f32x4.mul(x, x), x), f32x4.splat(0.044715))
  return f32x4.mul(x, sigmoid4(f32x4.mul(f32x4.add(x, cubic), f32x4.splat(1.5957691216057308))))
}

/** GELU with the error function: x · (1 + erf(x / √2)) / 2. */
// @ts-ignore: decorator
@inline
export function geluErf4(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, f32x4.splat(0.5)), f32x4.add(f32x4.splat(1), erf4(f32x4.mul(x, f32x4.splat(0.7071067811865476)))))
}

/**
 * Error function. From 0.5 on 1 − erfc, where erfc(a)·e^(a²) is a Chebyshev fit in t = 2 / (2 + a) of relative error 1.2e-7
 * (the coefficients of W. H. Press et al., Numerical Recipes, `erfcc`); below, where that difference loses digits, the
 * Maclaurin series.
 */
function erf4(x: v128): v128 {
  const a = f32x4.abs(x)
  const square = f32x4.mul(x, x)
  const t = f32x4.div(f32x4.splat(2), f32x4.add(f32x4.splat(2), a))
  let p = f32x4.splat(0.17087277)
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.82215223))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.48851587))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.13520398))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.27886807))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.18628806))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.09678418))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.37409196))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.00002368))
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.26551223))
  const tail = f32x4.sub(f32x4.splat(1), f32x4.mul(t, exp4(f32x4.sub(p, square))))
  let series = f32x4.splat(1.0 / 9360)
  series = f32x4.add(f32x4.mul(f32x4.neg(series), square), f32x4.splat(1.0 / 1320))
  series = f32x4.add(f32x4.mul(f32x4.neg(series), square), f32x4.splat(1.0 / 216))
  series = f32x4.add(f32x4.mul(f32x4.neg(series), square), f32x4.splat(1.0 / 42))
  series = f32x4.add(f32x4.mul(f32x4.neg(series), square), f32x4.splat(1.0 / 10))
  series = f32x4.add(f32x4.mul(f32x4.neg(series), square), f32x4.splat(1.0 / 3))
  series = f32x4.add(f32x4.mul(f32x4.neg(series), square), f32x4.splat(1))
  const near = f32x4.mul(f32x4.mul(a, series), f32x4.splat(1.1283791670955126))
  const magnitude = v128.bitselect(near, tail, f32x4.lt(a, f32x4.splat(0.5)))
  return v128.bitselect(x, magnitude, i32x4.splat(0x80000000))
}
