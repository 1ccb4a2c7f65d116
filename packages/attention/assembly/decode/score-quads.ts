import { halfMask, madd } from '@tessera-llm/wasm/assembly/lib'
import { loadRaw } from './raw-halves'
import { joinTwo, LINE, sumTwo } from './score-tiles'

// Scores of three or four query rows: each key is loaded, and widened from f16, once for all of them. Queries are
// interleaved, four channels of each row at a time, so that one pointer reads all rows.

/** Interleaves `width` elements, times `factor`, as row `index` of `rows` queries. */
export function layQuery(from: usize, width: u32, factor: f32, to: usize, index: u32, rows: u32): void {
  const f = f32x4.splat(factor)
  const step = (<usize>rows) << 4
  to += (<usize>index) << 4
  for (const end = from + ((<usize>width) << 2); from < end; from += 16, to += step)
    v128.store(to, f32x4.mul(f, v128.load(from)))
}

/** Score of one key with row `index` of `rows`, summed in the same order as four keys at a time. */
@inline
function scoreOne(shift: u32, q: usize, k: usize, width: u32, rows: u32, factor: f32): f32 {
  const mask = halfMask()
  let a = f32x4.splat(0)
  for (const end = q + <usize>width * (rows << 2); q < end; q += (<usize>rows) << 4, k += (<usize>4) << shift)
    a = madd(v128.load(q), loadRaw(k, shift, mask), a)
  const half = sumTwo(a, a)
  return factor * f32x4.extract_lane(joinTwo(half, half), 0)
}

/** Scores of four rows with `count` keys, two keys at a time: 8 accumulators. `width` is a multiple of 4. */
@inline
function quadScores(
  shift: u32,
  q0: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  factor: f32,
  s: usize,
): void {
  const mask = halfMask()
  const factors = f32x4.splat(factor)
  const end = q0 + ((<usize>width) << 4)
  let i = 0
  for (; i + 2 <= count; i += 2, s += 8, k += stride << 1) {
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    let k0 = k
    let k1 = k + stride
    for (let q = q0; q < end; q += 64, k0 += (<usize>4) << shift, k1 += (<usize>4) << shift) {
      const y0 = loadRaw(k0, shift, mask)
      const y1 = loadRaw(k1, shift, mask)
      let x = v128.load(q)
      a0 = madd(x, y0, a0)
      a1 = madd(x, y1, a1)
      x = v128.load(q, 16)
      b0 = madd(x, y0, b0)
      b1 = madd(x, y1, b1)
      x = v128.load(q, 32)
      c0 = madd(x, y0, c0)
      c1 = madd(x, y1, c1)
      x = v128.load(q, 48)
      d0 = madd(x, y0, d0)
      d1 = madd(x, y1, d1)
    }
    const ab = f32x4.mul(factors, joinTwo(sumTwo(a0, a1), sumTwo(b0, b1)))
    const cd = f32x4.mul(factors, joinTwo(sumTwo(c0, c1), sumTwo(d0, d1)))
    v128.store_lane<i64>(s, ab, 0)
    v128.store_lane<i64>(s, ab, 1, LINE)
    v128.store_lane<i64>(s, cd, 0, 2 * LINE)
    v128.store_lane<i64>(s, cd, 1, 3 * LINE)
  }
  if (i < count)
    for (let row: usize = 0; row < 4; row++)
      store<f32>(s + row * LINE, scoreOne(shift, q0 + (row << 4), k, width, 4, factor))
}

export function quadScoresF32(q0: usize, k: usize, stride: usize, count: i32, width: u32, factor: f32, s: usize): void {
  quadScores(2, q0, k, stride, count, width, factor, s)
}
export function quadScoresF16(q0: usize, k: usize, stride: usize, count: i32, width: u32, factor: f32, s: usize): void {
  quadScores(1, q0, k, stride, count, width, factor, s)
}

/**
 * Scores of three rows with `count` f16 keys, four keys at a time: 12 accumulators. Engines spill a few of them, which
 * costs less than using fewer.
 */
export function tripleScoresF16(
  q0: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  factor: f32,
  s: usize,
): void {
  const mask = halfMask()
  const factors = f32x4.splat(factor)
  const end = q0 + <usize>width * 12
  let i = 0
  for (; i + 4 <= count; i += 4, s += 16, k += stride << 2) {
    let a0 = f32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    let c0 = a0
    let c1 = a0
    let c2 = a0
    let c3 = a0
    let k0 = k
    let k1 = k0 + stride
    let k2 = k1 + stride
    let k3 = k2 + stride
    for (let q = q0; q < end; q += 48, k0 += 8, k1 += 8, k2 += 8, k3 += 8) {
      const y0 = loadRaw(k0, 1, mask)
      const y1 = loadRaw(k1, 1, mask)
      const y2 = loadRaw(k2, 1, mask)
      const y3 = loadRaw(k3, 1, mask)
      let x = v128.load(q)
      a0 = madd(x, y0, a0)
      a1 = madd(x, y1, a1)
      a2 = madd(x, y2, a2)
      a3 = madd(x, y3, a3)
      x = v128.load(q, 16)
      b0 = madd(x, y0, b0)
      b1 = madd(x, y1, b1)
      b2 = madd(x, y2, b2)
      b3 = madd(x, y3, b3)
      x = v128.load(q, 32)
      c0 = madd(x, y0, c0)
      c1 = madd(x, y1, c1)
      c2 = madd(x, y2, c2)
      c3 = madd(x, y3, c3)
    }
    v128.store(s, f32x4.mul(factors, joinTwo(sumTwo(a0, a1), sumTwo(a2, a3))))
    v128.store(s, f32x4.mul(factors, joinTwo(sumTwo(b0, b1), sumTwo(b2, b3))), LINE)
    v128.store(s, f32x4.mul(factors, joinTwo(sumTwo(c0, c1), sumTwo(c2, c3))), 2 * LINE)
  }
  for (; i < count; i++, k += stride, s += 4)
    for (let row: usize = 0; row < 3; row++)
      store<f32>(s + row * LINE, scoreOne(1, q0 + (row << 4), k, width, 3, factor))
}
