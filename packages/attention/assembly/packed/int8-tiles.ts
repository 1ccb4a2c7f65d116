import { madd } from '@tessera-llm/wasm/assembly/lib'

// Inner loops of decode over packed keys and values: integer products of rounded queries and weights. Exported, like
// those of decode/score-tiles.ts, so that each has all registers.

/** Sums the lanes of four vectors into the four lanes of one. */
@inline
function sumFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return i32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}

/**
 * Scores of two i16 queries (zero-padded to a multiple of 8), four int8 rows at a time. Rows beyond `count` are
 * computed but not stored.
 */
export function pairScoresI8(
  q0: usize,
  q1: usize,
  f0: f32,
  f1: f32,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  s0: usize,
  s1: usize,
): void {
  for (let i = 0; i < count; i += 4) {
    const last = k + <usize>(count - 1) * stride
    const k0 = k + <usize>i * stride
    const k1 = min(k0 + stride, last)
    const k2 = min(k0 + 2 * stride, last)
    const k3 = min(k0 + 3 * stride, last)
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    for (let d: usize = 0; d < width; d += 8) {
      const x0 = v128.load(q0 + (d << 1))
      const x1 = v128.load(q1 + (d << 1))
      let y = v128.load_ext<i8>(k0 + d, 4)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x0, y))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x1, y))
      y = v128.load_ext<i8>(k1 + d, 4)
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x0, y))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x1, y))
      y = v128.load_ext<i8>(k2 + d, 4)
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x0, y))
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(x1, y))
      y = v128.load_ext<i8>(k3 + d, 4)
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x0, y))
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(x1, y))
    }
    const scales = v128.load32_lane(k3, v128.load32_lane(k2, v128.load32_lane(k1, v128.load32_zero(k0), 1), 2), 3)
    v128.store(
      s0 + (i << 2),
      f32x4.mul(f32x4.mul(scales, f32x4.splat(f0)), f32x4.convert_i32x4_s(sumFour(a0, a1, a2, a3))),
    )
    v128.store(
      s1 + (i << 2),
      f32x4.mul(f32x4.mul(scales, f32x4.splat(f1)), f32x4.convert_i32x4_s(sumFour(b0, b1, b2, b3))),
    )
  }
}

/** Scores of one query, 16 channels at a time. */
export function lineScoresI8(q: usize, f: f32, k: usize, stride: usize, count: i32, width: u32, s: usize): void {
  for (let i = 0; i < count; i += 4) {
    const last = k + <usize>(count - 1) * stride
    const k0 = k + <usize>i * stride
    const k1 = min(k0 + stride, last)
    const k2 = min(k0 + 2 * stride, last)
    const k3 = min(k0 + 3 * stride, last)
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    let d: usize = 0
    for (; d + 16 <= width; d += 16) {
      const x0 = v128.load(q + (d << 1))
      const x1 = v128.load(q + (d << 1), 16)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x0, v128.load_ext<i8>(k0 + d, 4)))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x1, v128.load_ext<i8>(k0 + d, 12)))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x0, v128.load_ext<i8>(k1 + d, 4)))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x1, v128.load_ext<i8>(k1 + d, 12)))
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x0, v128.load_ext<i8>(k2 + d, 4)))
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(x1, v128.load_ext<i8>(k2 + d, 12)))
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x0, v128.load_ext<i8>(k3 + d, 4)))
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(x1, v128.load_ext<i8>(k3 + d, 12)))
    }
    for (; d < width; d += 8) {
      const x = v128.load(q + (d << 1))
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, v128.load_ext<i8>(k0 + d, 4)))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, v128.load_ext<i8>(k1 + d, 4)))
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x, v128.load_ext<i8>(k2 + d, 4)))
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x, v128.load_ext<i8>(k3 + d, 4)))
    }
    const scales = v128.load32_lane(k3, v128.load32_lane(k2, v128.load32_lane(k1, v128.load32_zero(k0), 1), 2), 3)
    const sums = sumFour(i32x4.add(a0, b0), i32x4.add(a1, b1), i32x4.add(a2, b2), i32x4.add(a3, b3))
    v128.store(s + (i << 2), f32x4.mul(f32x4.mul(scales, f32x4.splat(f)), f32x4.convert_i32x4_s(sums)))
  }
}

/**
 * Adds the products of two lines of i16 weights with int8 rows `first` … `end` − 1, two rows and 16 channels at a time.
 * Weights outside are 0; `first` is even.
 */
export function pairValuesI8(
  w0: usize,
  w1: usize,
  f0: f32,
  f1: f32,
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
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    let row = v + <usize>first * stride + d
    for (let i = first; i < end; i += 2, row += 2 * stride) {
      const next = i + 1 < end ? row + stride : row
      const x0 = v128.load32_splat(w0 + (i << 1))
      const x1 = v128.load32_splat(w1 + (i << 1))
      let y = v128.load_ext<i8>(row, 4)
      let z = v128.load_ext<i8>(next, 4)
      let pairs = v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pairs, x0))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(pairs, x1))
      pairs = v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15)
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pairs, x0))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(pairs, x1))
      y = v128.load_ext<i8>(row, 12)
      z = v128.load_ext<i8>(next, 12)
      pairs = v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11)
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(pairs, x0))
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(pairs, x1))
      pairs = v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15)
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(pairs, x0))
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(pairs, x1))
    }
    addInteger(o0 + ((<usize>d) << 2), f0, a0, a1, a2, a3)
    addInteger(o1 + ((<usize>d) << 2), f1, b0, b1, b2, b3)
  }
  for (; d < width; d++) {
    let a: i32 = 0
    let b: i32 = 0
    for (let i = first; i < end; i++) {
      const y: i32 = load<i8>(v + <usize>i * stride + d, 4)
      a += y * load<i16>(w0 + (i << 1))
      b += y * load<i16>(w1 + (i << 1))
    }
    store<f32>(o0 + (d << 2), load<f32>(o0 + (d << 2)) + f0 * <f32>a)
    store<f32>(o1 + (d << 2), load<f32>(o1 + (d << 2)) + f1 * <f32>b)
  }
}

/**
 * `pairValuesI8` for three lines, 8 channels at a time. Lines of `w` are `each` bytes apart, factors 4, outputs
 * `bytes`. `width` is a multiple of 8.
 */
export function tripleValuesI8(
  w: usize,
  each: usize,
  factors: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  out: usize,
  bytes: usize,
): void {
  const w1 = w + each
  const w2 = w1 + each
  for (let d: u32 = 0; d < width; d += 8) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let row = v + <usize>first * stride + d
    for (let i = first; i < end; i += 2, row += 2 * stride) {
      const y = v128.load_ext<i8>(row, 4)
      const z = v128.load_ext<i8>(i + 1 < end ? row + stride : row, 4)
      const low = v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11)
      const high = v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15)
      let x = v128.load32_splat(w + (i << 1))
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(low, x))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(high, x))
      x = v128.load32_splat(w1 + (i << 1))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(low, x))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(high, x))
      x = v128.load32_splat(w2 + (i << 1))
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(low, x))
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(high, x))
    }
    const o = out + ((<usize>d) << 2)
    addEight(o, load<f32>(factors), a0, a1)
    addEight(o + bytes, load<f32>(factors, 4), b0, b1)
    addEight(o + 2 * bytes, load<f32>(factors, 8), c0, c1)
  }
}

/** `pairValuesI8` for one line, 32 channels at a time. */
export function lineValuesI8(
  w: usize,
  f: f32,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  o: usize,
): void {
  let d: u32 = 0
  for (; d + 32 <= width; d += 32) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    let row = v + <usize>first * stride + d
    for (let i = first; i < end; i += 2, row += 2 * stride) {
      const next = i + 1 < end ? row + stride : row
      const x = v128.load32_splat(w + (i << 1))
      let y = v128.load_ext<i8>(row, 4)
      let z = v128.load_ext<i8>(next, 4)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11), x))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15), x))
      y = v128.load_ext<i8>(row, 12)
      z = v128.load_ext<i8>(next, 12)
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11), x))
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15), x))
      y = v128.load_ext<i8>(row, 20)
      z = v128.load_ext<i8>(next, 20)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11), x))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15), x))
      y = v128.load_ext<i8>(row, 28)
      z = v128.load_ext<i8>(next, 28)
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 0, 8, 1, 9, 2, 10, 3, 11), x))
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(v128.shuffle<i16>(y, z, 4, 12, 5, 13, 6, 14, 7, 15), x))
    }
    addInteger(o + ((<usize>d) << 2), f, a0, a1, a2, a3)
    addInteger(o + ((<usize>d) << 2) + 64, f, b0, b1, b2, b3)
  }
  for (; d < width; d++) {
    let a: i32 = 0
    for (let i = first; i < end; i++) a += <i32>load<i8>(v + <usize>i * stride + d, 4) * load<i16>(w + (i << 1))
    store<f32>(o + (d << 2), load<f32>(o + (d << 2)) + f * <f32>a)
  }
}

@inline
function addEight(to: usize, factor: f32, a: v128, b: v128): void {
  const f = f32x4.splat(factor)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(a), v128.load(to)))
  v128.store(to, madd(f, f32x4.convert_i32x4_s(b), v128.load(to, 16)), 16)
}

@inline
function addInteger(to: usize, factor: f32, a: v128, b: v128, c: v128, d: v128): void {
  const f = f32x4.splat(factor)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(a), v128.load(to)))
  v128.store(to, madd(f, f32x4.convert_i32x4_s(b), v128.load(to, 16)), 16)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(c), v128.load(to, 32)), 32)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(d), v128.load(to, 48)), 48)
}
