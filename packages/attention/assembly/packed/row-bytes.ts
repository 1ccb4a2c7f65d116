import { dotAdd, madd } from '@tessera-llm/wasm/assembly/lib'

// Weighted sums of values in rows of signed bytes, where one instruction multiplies bytes and adds to 32 bits: the
// weights are cut into high and low bytes (`roundWeights`), and four rows lie side by side in a vector.

/**
 * out[line] += factors[line] · Σ w · v over rows `first` … `end` − 1, of which `first` is a multiple of 4, for up to
 * three lines. Weights of rows outside are 0. Lines of `w` are `each` bytes apart, outputs `outStride`; the high bytes of
 * weights count 2^`bits`.
 */
@inline
function rows(
  lines: u32,
  w: usize,
  each: usize,
  factors: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  out: usize,
  outStride: usize,
  bits: u32,
): void {
  let d: u32 = 0
  for (; d + 8 <= width; d += 8) {
    let a0 = i32x4.splat(0)
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
    let w0 = w + (first << 1)
    let w1 = w0 + each
    let w2 = w1 + each
    let row = v + <usize>first * stride + d
    let s1 = stride
    let s2 = stride << 1
    let s3 = s1 + s2
    for (let i = first; i < end; i += 4, row += stride << 2, w0 += 8, w1 += 8, w2 += 8) {
      if (i + 4 > end) {
        // Rows beyond the last have weights of 0.
        const rest = <usize>(end - 1 - i) * stride
        s1 = min(s1, rest)
        s2 = min(s2, rest)
        s3 = min(s3, rest)
      }
      const low = v128.shuffle<i8>(
        v128.load64_zero(row, 4),
        v128.load64_zero(row + s1, 4),
        0,
        16,
        1,
        17,
        2,
        18,
        3,
        19,
        4,
        20,
        5,
        21,
        6,
        22,
        7,
        23,
      )
      const high = v128.shuffle<i8>(
        v128.load64_zero(row + s2, 4),
        v128.load64_zero(row + s3, 4),
        0,
        16,
        1,
        17,
        2,
        18,
        3,
        19,
        4,
        20,
        5,
        21,
        6,
        22,
        7,
        23,
      )
      const y0 = v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11)
      const y1 = v128.shuffle<i16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15)
      let p = v128.load32_splat(w0)
      a0 = dotAdd(y0, p, a0)
      a1 = dotAdd(y1, p, a1)
      p = v128.load32_splat(w0, 4)
      a2 = dotAdd(y0, p, a2)
      a3 = dotAdd(y1, p, a3)
      if (lines > 1) {
        p = v128.load32_splat(w1)
        b0 = dotAdd(y0, p, b0)
        b1 = dotAdd(y1, p, b1)
        p = v128.load32_splat(w1, 4)
        b2 = dotAdd(y0, p, b2)
        b3 = dotAdd(y1, p, b3)
      }
      if (lines > 2) {
        p = v128.load32_splat(w2)
        c0 = dotAdd(y0, p, c0)
        c1 = dotAdd(y1, p, c1)
        p = v128.load32_splat(w2, 4)
        c2 = dotAdd(y0, p, c2)
        c3 = dotAdd(y1, p, c3)
      }
    }
    const o = out + ((<usize>d) << 2)
    addEight(o, load<f32>(factors), a0, a1, a2, a3, bits)
    if (lines > 1) addEight(o + outStride, load<f32>(factors, 4), b0, b1, b2, b3, bits)
    if (lines > 2) addEight(o + 2 * outStride, load<f32>(factors, 8), c0, c1, c2, c3, bits)
  }
  for (; d < width; d++)
    for (let line: usize = 0; line < lines; line++) {
      let sum: i32 = 0
      for (let i = first; i < end; i++) {
        const at = w + line * each + ((<usize>i & ~3) << 1) + (i & 3)
        sum += <i32>load<i8>(v + <usize>i * stride + d, 4) * (((<i32>load<u8>(at)) << bits) + <i32>load<u8>(at, 4))
      }
      const o = out + line * outStride + ((<usize>d) << 2)
      store<f32>(o, load<f32>(o) + load<f32>(factors + (line << 2)) * <f32>sum)
    }
}

@inline
function addEight(to: usize, factor: f32, h0: v128, h1: v128, l0: v128, l1: v128, bits: u32): void {
  const f = f32x4.splat(factor)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(i32x4.add(i32x4.shl(h0, bits), l0)), v128.load(to)))
  v128.store(to, madd(f, f32x4.convert_i32x4_s(i32x4.add(i32x4.shl(h1, bits), l1)), v128.load(to, 16)), 16)
}

export function threeRowBytes(
  w: usize,
  each: usize,
  factors: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  out: usize,
  outStride: usize,
  bits: u32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  rows(3, w, each, factors, v, stride, first, end, width, out, outStride, bits)
}

export function twoRowBytes(
  w: usize,
  each: usize,
  factors: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  out: usize,
  outStride: usize,
  bits: u32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  rows(2, w, each, factors, v, stride, first, end, width, out, outStride, bits)
}

export function oneRowBytes(
  w: usize,
  each: usize,
  factors: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  out: usize,
  outStride: usize,
  bits: u32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  rows(1, w, each, factors, v, stride, first, end, width, out, outStride, bits)
}
