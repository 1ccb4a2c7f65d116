import { sumLanes } from './simd'

// Row functions that several packages use: RMSNorm, and the rotation of a head.

/** One row: y = x / √(mean(x²) + eps) · (weight + unit) + residual. The sum uses four vectors of four lanes. */
export function normaliseRow(
  x: usize,
  weight: usize,
  y: usize,
  width: u32,
  eps: f32,
  unit: f32,
  residual: usize,
): void {
  const vectors = width & ~15
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let i: u32 = 0
  for (; i < vectors; i += 16) {
    const at = x + ((<usize>i) << 2)
    const v0 = v128.load(at)
    const v1 = v128.load(at, 16)
    const v2 = v128.load(at, 32)
    const v3 = v128.load(at, 48)
    s0 = f32x4.add(s0, f32x4.mul(v0, v0))
    s1 = f32x4.add(s1, f32x4.mul(v1, v1))
    s2 = f32x4.add(s2, f32x4.mul(v2, v2))
    s3 = f32x4.add(s3, f32x4.mul(v3, v3))
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)))
  for (; i < width; i++) {
    const v = load<f32>(x + ((<usize>i) << 2))
    sum += v * v
  }
  const scale: f32 = 1 / sqrt(sum / <f32>width + eps)
  const scales = f32x4.splat(scale)
  const units = f32x4.splat(unit)
  i = 0
  for (; i + 4 <= width; i += 4) {
    const at: usize = (<usize>i) << 2
    let factor = scales
    if (weight != 0) factor = f32x4.mul(scales, f32x4.add(v128.load(weight + at), units))
    let value = f32x4.mul(v128.load(x + at), factor)
    if (residual != 0) value = f32x4.add(value, v128.load(residual + at))
    v128.store(y + at, value)
  }
  for (; i < width; i++) {
    const at: usize = (<usize>i) << 2
    let factor = scale
    if (weight != 0) factor *= load<f32>(weight + at) + unit
    let value = load<f32>(x + at) * factor
    if (residual != 0) value += load<f32>(residual + at)
    store<f32>(y + at, value)
  }
}

/**
 * Rotates the first 2 · half channels of a head of `width` by the given cosines and sines, and copies the rest; y may
 * alias x.
 */
export function rotateRow(x: usize, y: usize, cos: usize, sin: usize, half: u32, width: u32, isNeox: bool): void {
  if (isNeox) rotateHalves(x, y, cos, sin, half)
  else rotatePairs(x, y, cos, sin, half)
  // Most models rotate whole heads, and even an empty copy is a call.
  if (width > 2 * half)
    memory.copy(y + ((<usize>half) << 3), x + ((<usize>half) << 3), (<usize>(width - 2 * half)) << 2)
}

function rotateHalves(x: usize, y: usize, cos: usize, sin: usize, half: u32): void {
  const second: usize = half << 2
  let i: usize = 0
  for (; i + 16 <= second; i += 16) {
    const a = v128.load(x + i)
    const b = v128.load(x + second + i)
    const c = v128.load(cos + i)
    const s = v128.load(sin + i)
    v128.store(y + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)))
    v128.store(y + second + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)))
  }
  for (; i < second; i += 4) {
    const a = load<f32>(x + i)
    const b = load<f32>(x + second + i)
    const c = load<f32>(cos + i)
    const s = load<f32>(sin + i)
    store<f32>(y + i, a * c - b * s)
    store<f32>(y + second + i, b * c + a * s)
  }
}

function rotatePairs(x: usize, y: usize, cos: usize, sin: usize, half: u32): void {
  let i: usize = 0
  for (; i + 16 <= (<usize>half) << 2; i += 16) {
    const v = v128.load(x + 2 * i)
    const w = v128.load(x + 2 * i, 16)
    const c = v128.load(cos + i)
    const s = v128.load(sin + i)
    const a = v128.shuffle<i32>(v, w, 0, 2, 4, 6)
    const b = v128.shuffle<i32>(v, w, 1, 3, 5, 7)
    const first = f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s))
    const second = f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s))
    v128.store(y + 2 * i, v128.shuffle<i32>(first, second, 0, 4, 1, 5))
    v128.store(y + 2 * i, v128.shuffle<i32>(first, second, 2, 6, 3, 7), 16)
  }
  for (; i < (<usize>half) << 2; i += 4) {
    const a = load<f32>(x + 2 * i)
    const b = load<f32>(x + 2 * i, 4)
    const c = load<f32>(cos + i)
    const s = load<f32>(sin + i)
    store<f32>(y + 2 * i, a * c - b * s)
    store<f32>(y + 2 * i, b * c + a * s, 4)
  }
}
