import { madd } from '@tessera-llm/wasm/assembly/lib'
import { joinTwo, LINE, sumTwo } from './score-tiles'

// Scores of four query rows with f32 keys: each key is loaded once for all of them. Queries are interleaved, four
// channels of each row at a time, so that one pointer reads all rows.

/** Interleaves `width` elements, times `factor`, as row `index` of `rows` queries. */
export function layQuery(from: usize, width: u32, factor: f32, to: usize, index: u32, rows: u32): void {
  const f = f32x4.splat(factor)
  const step = (<usize>rows) << 4
  to += (<usize>index) << 4
  for (const end = from + ((<usize>width) << 2); from < end; from += 16, to += step)
    v128.store(to, f32x4.mul(f, v128.load(from)))
}

/** Score of one key with one of the rows, summed in the same order as two keys at a time. */
@inline
function scoreOne(q: usize, k: usize, width: u32, factor: f32): f32 {
  let a = f32x4.splat(0)
  for (const end = q + ((<usize>width) << 4); q < end; q += 64, k += 16) a = madd(v128.load(q), v128.load(k), a)
  const half = sumTwo(a, a)
  return factor * f32x4.extract_lane(joinTwo(half, half), 0)
}

/** Scores of four rows with `count` keys, two keys at a time: 8 accumulators. `width` is a multiple of 4. */
export function quadScoresF32(q0: usize, k: usize, stride: usize, count: i32, width: u32, factor: f32, s: usize): void {
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
    for (let q = q0; q < end; q += 64, k0 += 16, k1 += 16) {
      const y0 = v128.load(k0)
      const y1 = v128.load(k1)
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
    for (let row: usize = 0; row < 4; row++) store<f32>(s + row * LINE, scoreOne(q0 + (row << 4), k, width, factor))
}
