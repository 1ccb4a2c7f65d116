import { madd } from '@tessera-llm/wasm/assembly/lib'
import { dotRow, load4 } from '../scores'

// Scores of one to three query rows with f32 or f16 keys. Functions with an inner loop are exported so that they stay
// separate functions: engines allocate registers per function, and these loops need all of them.

/** Bytes between the scores or weights of consecutive lines: 128 keys. */
@inline
export const LINE: usize = 512

/** Sums the lanes of four vectors into the four lanes of one. */
@inline
function sumFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return f32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}

/** Scores of two query rows with `count` keys, four keys at a time: 8 accumulators. */
@inline
function pairScores(
  shift: u32,
  q0: usize,
  q1: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  scale: f32,
  s0: usize,
  s1: usize,
): void {
  const scales = f32x4.splat(scale)
  let i = 0
  if ((width & 3) == 0) {
    for (; i + 4 <= count; i += 4, k += 4 * stride) {
      const k1 = k + stride
      const k2 = k1 + stride
      const k3 = k2 + stride
      let a0 = f32x4.splat(0)
      let a1 = a0
      let a2 = a0
      let a3 = a0
      let b0 = a0
      let b1 = a0
      let b2 = a0
      let b3 = a0
      for (let d: u32 = 0; d < width; d += 4) {
        const x0 = v128.load(q0 + ((<usize>d) << 2))
        const x1 = v128.load(q1 + ((<usize>d) << 2))
        let y = load4(k, d, shift)
        a0 = madd(x0, y, a0)
        b0 = madd(x1, y, b0)
        y = load4(k1, d, shift)
        a1 = madd(x0, y, a1)
        b1 = madd(x1, y, b1)
        y = load4(k2, d, shift)
        a2 = madd(x0, y, a2)
        b2 = madd(x1, y, b2)
        y = load4(k3, d, shift)
        a3 = madd(x0, y, a3)
        b3 = madd(x1, y, b3)
      }
      v128.store(s0 + (i << 2), f32x4.mul(scales, sumFour(a0, a1, a2, a3)))
      v128.store(s1 + (i << 2), f32x4.mul(scales, sumFour(b0, b1, b2, b3)))
    }
  }
  for (; i < count; i++, k += stride) {
    store<f32>(s0 + (i << 2), scale * dotRow(q0, k, width, shift))
    store<f32>(s1 + (i << 2), scale * dotRow(q1, k, width, shift))
  }
}

export function pairScoresF32(
  q0: usize,
  q1: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  scale: f32,
  s0: usize,
  s1: usize,
): void {
  pairScores(2, q0, q1, k, stride, count, width, scale, s0, s1)
}
export function pairScoresF16(
  q0: usize,
  q1: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  scale: f32,
  s0: usize,
  s1: usize,
): void {
  pairScores(1, q0, q1, k, stride, count, width, scale, s0, s1)
}

/**
 * Scores of three query rows with `count` keys, two keys at a time: 6 accumulators; each key is loaded once for all
 * rows. `width` is a multiple of 8.
 */
export function tripleScoresF32(
  q0: usize,
  q1: usize,
  q2: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  scale: f32,
  s: usize,
): void {
  const scales = f32x4.splat(scale)
  let i = 0
  for (; i + 4 <= count; i += 4) {
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    for (let d: u32 = 0; d < width; d += 4) {
      const y0 = load4(k, d, 2)
      const y1 = load4(k + stride, d, 2)
      let x = v128.load(q0 + ((<usize>d) << 2))
      a0 = madd(x, y0, a0)
      a1 = madd(x, y1, a1)
      x = v128.load(q1 + ((<usize>d) << 2))
      b0 = madd(x, y0, b0)
      b1 = madd(x, y1, b1)
      x = v128.load(q2 + ((<usize>d) << 2))
      c0 = madd(x, y0, c0)
      c1 = madd(x, y1, c1)
    }
    k += stride << 1
    const a = sumTwo(a0, a1)
    const b = sumTwo(b0, b1)
    const c = sumTwo(c0, c1)
    a0 = f32x4.splat(0)
    a1 = a0
    b0 = a0
    b1 = a0
    c0 = a0
    c1 = a0
    for (let d: u32 = 0; d < width; d += 4) {
      const y0 = load4(k, d, 2)
      const y1 = load4(k + stride, d, 2)
      let x = v128.load(q0 + ((<usize>d) << 2))
      a0 = madd(x, y0, a0)
      a1 = madd(x, y1, a1)
      x = v128.load(q1 + ((<usize>d) << 2))
      b0 = madd(x, y0, b0)
      b1 = madd(x, y1, b1)
      x = v128.load(q2 + ((<usize>d) << 2))
      c0 = madd(x, y0, c0)
      c1 = madd(x, y1, c1)
    }
    k += stride << 1
    v128.store(s + (i << 2), f32x4.mul(scales, joinTwo(a, sumTwo(a0, a1))))
    v128.store(s + (i << 2) + LINE, f32x4.mul(scales, joinTwo(b, sumTwo(b0, b1))))
    v128.store(s + (i << 2) + 2 * LINE, f32x4.mul(scales, joinTwo(c, sumTwo(c0, c1))))
  }
  for (; i < count; i++, k += stride) {
    store<f32>(s + (i << 2), scale * dotRow(q0, k, width, 2))
    store<f32>(s + (i << 2) + LINE, scale * dotRow(q1, k, width, 2))
    store<f32>(s + (i << 2) + 2 * LINE, scale * dotRow(q2, k, width, 2))
  }
}

/** First half of summing two vectors: lanes 0 and 2 belong to a, 1 and 3 to b. */
@inline
export function sumTwo(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
}

@inline
export function joinTwo(ab: v128, cd: v128): v128 {
  return f32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}

/** Scores of one query row with `count` keys, four keys and two vectors of channels at a time: 8 accumulators. */
@inline
function lineScores(shift: u32, q: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  const scales = f32x4.splat(scale)
  let i = 0
  if ((width & 7) == 0) {
    for (; i + 4 <= count; i += 4, k += 4 * stride) {
      const k1 = k + stride
      const k2 = k1 + stride
      const k3 = k2 + stride
      let a0 = f32x4.splat(0)
      let a1 = a0
      let a2 = a0
      let a3 = a0
      let b0 = a0
      let b1 = a0
      let b2 = a0
      let b3 = a0
      for (let d: u32 = 0; d < width; d += 8) {
        const x0 = v128.load(q + ((<usize>d) << 2))
        const x1 = v128.load(q + ((<usize>d) << 2), 16)
        a0 = madd(x0, load4(k, d, shift), a0)
        b0 = madd(x1, load4(k, d + 4, shift), b0)
        a1 = madd(x0, load4(k1, d, shift), a1)
        b1 = madd(x1, load4(k1, d + 4, shift), b1)
        a2 = madd(x0, load4(k2, d, shift), a2)
        b2 = madd(x1, load4(k2, d + 4, shift), b2)
        a3 = madd(x0, load4(k3, d, shift), a3)
        b3 = madd(x1, load4(k3, d + 4, shift), b3)
      }
      v128.store(
        s + (i << 2),
        f32x4.mul(scales, sumFour(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3))),
      )
    }
  }
  for (; i < count; i++, k += stride) store<f32>(s + (i << 2), scale * dotRow(q, k, width, shift))
}

export function lineScoresF32(q: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  lineScores(2, q, k, stride, count, width, scale, s)
}
export function lineScoresF16(q: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  lineScores(1, q, k, stride, count, width, scale, s)
}
