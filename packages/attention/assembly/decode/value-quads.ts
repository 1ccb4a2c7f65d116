import { madd } from '@tessera-llm/wasm/assembly/lib'
import { firstHalves, highHalves, lastHalves, lowHalves, wordMask } from './raw-halves'
import { LINE } from './score-tiles'

// Weighted sums of values for three or four query rows: each value is loaded, and widened from f16, once for all of
// them.

/** Stores eight channels of an output. */
@inline
function storeTwo(at: usize, a: v128, b: v128): void {
  v128.store(at, a)
  v128.store(at, b, 16)
}

/**
 * o[line] += Σ p[line] · v over keys `first` … `end` − 1 for four lines, 8 channels at a time: 8 accumulators. `width`
 * is a multiple of 8.
 */
@inline
function quadValues(
  shift: u32,
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  bytes: usize,
): void {
  const mask = wordMask()
  const o1 = o0 + bytes
  const o2 = o1 + bytes
  const o3 = o2 + bytes
  const last = p + ((<usize>end) << 2)
  v += <usize>first * stride
  for (let d: usize = 0; d < (<usize>width) << 2; d += 32, v += (<usize>8) << shift) {
    let a0 = v128.load(o0 + d)
    let a1 = v128.load(o0 + d, 16)
    let b0 = v128.load(o1 + d)
    let b1 = v128.load(o1 + d, 16)
    let c0 = v128.load(o2 + d)
    let c1 = v128.load(o2 + d, 16)
    let d0 = v128.load(o3 + d)
    let d1 = v128.load(o3 + d, 16)
    let from = v
    for (let at = p + ((<usize>first) << 2); at < last; at += 4, from += stride) {
      const halves = v128.load(from)
      const high = highHalves(halves, mask)
      const low = lowHalves(halves)
      const y0 = shift == 2 ? halves : firstHalves(low, high)
      const y1 = shift == 2 ? v128.load(from, 16) : lastHalves(low, high)
      let x = v128.load32_splat(at)
      a0 = madd(x, y0, a0)
      a1 = madd(x, y1, a1)
      x = v128.load32_splat(at, LINE)
      b0 = madd(x, y0, b0)
      b1 = madd(x, y1, b1)
      x = v128.load32_splat(at, 2 * LINE)
      c0 = madd(x, y0, c0)
      c1 = madd(x, y1, c1)
      x = v128.load32_splat(at, 3 * LINE)
      d0 = madd(x, y0, d0)
      d1 = madd(x, y1, d1)
    }
    storeTwo(o0 + d, a0, a1)
    storeTwo(o1 + d, b0, b1)
    storeTwo(o2 + d, c0, c1)
    storeTwo(o3 + d, d0, d1)
  }
}

export function quadValuesF32(
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  bytes: usize,
): void {
  quadValues(2, p, v, stride, first, end, width, o0, bytes)
}
export function quadValuesF16(
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  bytes: usize,
): void {
  quadValues(1, p, v, stride, first, end, width, o0, bytes)
}

/** `quadValues` for three lines: 6 accumulators. */
@inline
function tripleValues(
  shift: u32,
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  bytes: usize,
): void {
  const mask = wordMask()
  const o1 = o0 + bytes
  const o2 = o1 + bytes
  const last = p + ((<usize>end) << 2)
  v += <usize>first * stride
  for (let d: usize = 0; d < (<usize>width) << 2; d += 32, v += (<usize>8) << shift) {
    let a0 = v128.load(o0 + d)
    let a1 = v128.load(o0 + d, 16)
    let b0 = v128.load(o1 + d)
    let b1 = v128.load(o1 + d, 16)
    let c0 = v128.load(o2 + d)
    let c1 = v128.load(o2 + d, 16)
    let from = v
    for (let at = p + ((<usize>first) << 2); at < last; at += 4, from += stride) {
      const halves = v128.load(from)
      const high = highHalves(halves, mask)
      const low = lowHalves(halves)
      const y0 = shift == 2 ? halves : firstHalves(low, high)
      const y1 = shift == 2 ? v128.load(from, 16) : lastHalves(low, high)
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
    storeTwo(o0 + d, a0, a1)
    storeTwo(o1 + d, b0, b1)
    storeTwo(o2 + d, c0, c1)
  }
}

export function tripleValuesF32(
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  bytes: usize,
): void {
  tripleValues(2, p, v, stride, first, end, width, o0, bytes)
}
export function tripleValuesF16(
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  bytes: usize,
): void {
  tripleValues(1, p, v, stride, first, end, width, o0, bytes)
}
