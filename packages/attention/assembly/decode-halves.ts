import { halfMask, madd } from '@tessera-llm/wasm/assembly/lib'
import { joinTwo, LINE, sumTwo } from './decode-tiles'
import { dotRow } from './scores'

// Three query rows against keys or values in f16, eight channels a load. An f16 whose bits are moved to the places of an f32 is 2^−112 times
// its value: instead of each element, the other factor of the products is scaled, once: weights by 2^112, queries by 2^100, so that none
// overflows, and what is left by the scale of the scores.

export const WEIGHT_FACTOR: f32 = 5.192296858534828e33
export const QUERY_FACTOR: f32 = 1.2676506002282294e30

// @ts-ignore: decorator
@inline
function lowHalves(bits: v128, mask: v128): v128 {
  return v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(bits), 13), mask)
}

// @ts-ignore: decorator
@inline
function highHalves(bits: v128, mask: v128): v128 {
  return v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(bits), 13), mask)
}

/** As tripleScoresF32, for three rows of queries times 2^100 that lie one after the other. The width is a multiple of 8. */
export function tripleScoresF16(q0: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  const mask = halfMask(), zero = f32x4.splat(0), end = <usize>width << 2, q1 = q0 + end, q2 = q1 + end
  // What 2^112 is more than 2^100.
  const scales = f32x4.splat(scale * 4096)
  let i = 0
  for (; i + 4 <= count; i += 4, s += 16) {
    let a = zero, b = zero, c = zero
    let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero
    for (let half = 0; half < 2; half++, k += stride << 1) {
      a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero
      for (let d: usize = 0; d < end; d += 32) {
        const x0 = q0 + d, x1 = q1 + d, x2 = q2 + d, at = k + (d >> 1)
        const bits0 = v128.load(at), bits1 = v128.load(at + stride)
        let y0 = lowHalves(bits0, mask), y1 = lowHalves(bits1, mask), x = v128.load(x0)
        a0 = madd(x, y0, a0)
        a1 = madd(x, y1, a1)
        x = v128.load(x1)
        b0 = madd(x, y0, b0)
        b1 = madd(x, y1, b1)
        x = v128.load(x2)
        c0 = madd(x, y0, c0)
        c1 = madd(x, y1, c1)
        y0 = highHalves(bits0, mask), y1 = highHalves(bits1, mask), x = v128.load(x0, 16)
        a0 = madd(x, y0, a0)
        a1 = madd(x, y1, a1)
        x = v128.load(x1, 16)
        b0 = madd(x, y0, b0)
        b1 = madd(x, y1, b1)
        x = v128.load(x2, 16)
        c0 = madd(x, y0, c0)
        c1 = madd(x, y1, c1)
      }
      if (half == 0) a = sumTwo(a0, a1), b = sumTwo(b0, b1), c = sumTwo(c0, c1)
    }
    v128.store(s, f32x4.mul(scales, joinTwo(a, sumTwo(a0, a1))))
    v128.store(s, f32x4.mul(scales, joinTwo(b, sumTwo(b0, b1))), LINE)
    v128.store(s, f32x4.mul(scales, joinTwo(c, sumTwo(c0, c1))), 2 * LINE)
  }
  for (; i < count; i++, k += stride, s += 4) {
    store<f32>(s, scale / QUERY_FACTOR * dotRow(q0, k, width, 1))
    store<f32>(s, scale / QUERY_FACTOR * dotRow(q1, k, width, 1), LINE)
    store<f32>(s, scale / QUERY_FACTOR * dotRow(q2, k, width, 1), 2 * LINE)
  }
}

/** As tripleValuesF32, for three rows of weights times 2^112. The width is a multiple of 8. */
export function tripleValuesF16(p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o0: usize, bytes: usize): void {
  const mask = halfMask(), o1 = o0 + bytes, o2 = o1 + bytes, last = p + (<usize>end << 2)
  for (let d: usize = 0; d < <usize>width << 2; d += 32) {
    let a0 = v128.load(o0 + d), a1 = v128.load(o0 + d, 16), b0 = v128.load(o1 + d), b1 = v128.load(o1 + d, 16), c0 = v128.load(o2 + d), c1 = v128.load(o2 + d, 16)
    let from = v + <usize>first * stride + (d >> 1)
    for (let at = p + (<usize>first << 2); at < last; at += 4, from += stride) {
      const bits = v128.load(from), y0 = lowHalves(bits, mask), y1 = highHalves(bits, mask)
      let x = v128.load32_splat(at)
      a0 = madd(x, y0, a0)
      a1 = madd(x, y1, a1)
      x = v128.load32_splat(at, LINE)
      b0 = madd(x, y0, b0)
      b1 = madd(x, y1, b1)
      x = v128.load32_splat(at, 2 * LINE)
      c0 = madd(x, y0, c0)
      c1 = madd(x, y1, c1)
    }
    v128.store(o0 + d, a0)
    v128.store(o0 + d, a1, 16)
    v128.store(o1 + d, b0)
    v128.store(o1 + d, b1, 16)
    v128.store(o2 + d, c0)
    v128.store(o2 + d, c1, 16)
  }
}
