import { madd } from '@tessera-llm/wasm/assembly/lib'
import { addWeighted, load4 } from '../scores'

// Weighted sums of f32 or f16 values for one or two query rows, exported as those of score-tiles.ts are.

/** o0 += Σ p0·v and o1 += Σ p1·v over keys `first` … `end` − 1, 16 channels at a time: 8 accumulators. */
@inline
function pairValues(
  shift: u32,
  p0: usize,
  p1: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  o1: usize,
): void {
  let d: u32 = 0
  for (; d + 16 <= width; d += 16) {
    const at: usize = (<usize>d) << 2
    let a0 = v128.load(o0 + at)
    let a1 = v128.load(o0 + at, 16)
    let a2 = v128.load(o0 + at, 32)
    let a3 = v128.load(o0 + at, 48)
    let b0 = v128.load(o1 + at)
    let b1 = v128.load(o1 + at, 16)
    let b2 = v128.load(o1 + at, 32)
    let b3 = v128.load(o1 + at, 48)
    let row = v + <usize>first * stride
    for (let i = first; i < end; i++, row += stride) {
      const x0 = v128.load32_splat(p0 + (i << 2))
      const x1 = v128.load32_splat(p1 + (i << 2))
      let y = load4(row, d, shift)
      a0 = madd(x0, y, a0)
      b0 = madd(x1, y, b0)
      y = load4(row, d + 4, shift)
      a1 = madd(x0, y, a1)
      b1 = madd(x1, y, b1)
      y = load4(row, d + 8, shift)
      a2 = madd(x0, y, a2)
      b2 = madd(x1, y, b2)
      y = load4(row, d + 12, shift)
      a3 = madd(x0, y, a3)
      b3 = madd(x1, y, b3)
    }
    store4(o0 + at, a0, a1, a2, a3)
    store4(o1 + at, b0, b1, b2, b3)
  }
  if (d < width) {
    addRest(shift, p0, v, stride, first, end, d, width, o0)
    addRest(shift, p1, v, stride, first, end, d, width, o1)
  }
}

export function pairValuesF32(
  p0: usize,
  p1: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  o1: usize,
): void {
  pairValues(2, p0, p1, v, stride, first, end, width, o0, o1)
}
export function pairValuesF16(
  p0: usize,
  p1: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o0: usize,
  o1: usize,
): void {
  pairValues(1, p0, p1, v, stride, first, end, width, o0, o1)
}

/** o += Σ p·v over keys `first` … `end` − 1, 32 channels at a time: 8 accumulators. */
@inline
function lineValues(shift: u32, p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o: usize): void {
  let d: u32 = 0
  for (; d + 32 <= width; d += 32) {
    const at = o + ((<usize>d) << 2)
    let a0 = v128.load(at)
    let a1 = v128.load(at, 16)
    let a2 = v128.load(at, 32)
    let a3 = v128.load(at, 48)
    let b0 = v128.load(at, 64)
    let b1 = v128.load(at, 80)
    let b2 = v128.load(at, 96)
    let b3 = v128.load(at, 112)
    let row = v + <usize>first * stride
    for (let i = first; i < end; i++, row += stride) {
      const x = v128.load32_splat(p + (i << 2))
      a0 = madd(x, load4(row, d, shift), a0)
      a1 = madd(x, load4(row, d + 4, shift), a1)
      a2 = madd(x, load4(row, d + 8, shift), a2)
      a3 = madd(x, load4(row, d + 12, shift), a3)
      b0 = madd(x, load4(row, d + 16, shift), b0)
      b1 = madd(x, load4(row, d + 20, shift), b1)
      b2 = madd(x, load4(row, d + 24, shift), b2)
      b3 = madd(x, load4(row, d + 28, shift), b3)
    }
    store4(at, a0, a1, a2, a3)
    store4(at + 64, b0, b1, b2, b3)
  }
  if (d < width) addRest(shift, p, v, stride, first, end, d, width, o)
}

export function lineValuesF32(p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o: usize): void {
  lineValues(2, p, v, stride, first, end, width, o)
}
export function lineValuesF16(p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o: usize): void {
  lineValues(1, p, v, stride, first, end, width, o)
}

@inline
function store4(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a)
  v128.store(at, b, 16)
  v128.store(at, c, 32)
  v128.store(at, d, 48)
}

/** Adds the channels from d on, which fill no tile. */
function addRest(
  shift: u32,
  p: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  d: u32,
  width: u32,
  o: usize,
): void {
  for (let i = first; i < end; i++)
    addWeighted(
      o + ((<usize>d) << 2),
      load<f32>(p + (i << 2)),
      v + <usize>i * stride + ((<usize>d) << shift),
      width - d,
      shift,
    )
}
