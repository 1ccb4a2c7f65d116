import { madd } from '@tessera-llm/wasm/assembly/lib'

// The inner loops of decode over codes of 8 bits in groups by products of 16 bits, exported as those of int8-tiles.ts
// are.

/**
 * out[c] += factor · Σ codes · x + base for 8 columns of two lines, with codes of 8 bits and x of 16 (in order). Word
 * (s, c) of [steps][columns] holds 4 codes of column c.
 */
export function pairCodes8(
  codes: usize,
  stride: usize,
  steps: u32,
  x0: usize,
  x1: usize,
  f0: f32,
  f1: f32,
  base0: f32,
  base1: f32,
  o0: usize,
  o1: usize,
): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  let b0 = a0
  let b1 = a0
  let b2 = a0
  let b3 = a0
  for (let s: u32 = 0; s < steps; s++, codes += stride, x0 += 8, x1 += 8) {
    const p0 = v128.load64_splat(x0)
    const p1 = v128.load64_splat(x1)
    let y = v128.load_ext<u8>(codes)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(y, p0))
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, p1))
    y = v128.load_ext<u8>(codes, 8)
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, p0))
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, p1))
    y = v128.load_ext<u8>(codes, 16)
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(y, p0))
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(y, p1))
    y = v128.load_ext<u8>(codes, 24)
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(y, p0))
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(y, p1))
  }
  addPairs(o0, f0, base0, a0, a1)
  addPairs(o0 + 16, f0, base0, a2, a3)
  addPairs(o1, f1, base1, b0, b1)
  addPairs(o1 + 16, f1, base1, b2, b3)
}

/**
 * `pairCodes8` for 4 columns of three lines: their x are `each` bytes apart, factors and bases 4, outputs `outStride`.
 */
export function tripleCodes8(
  codes: usize,
  stride: usize,
  steps: u32,
  x0: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  let x1 = x0 + each
  let x2 = x1 + each
  for (let s: u32 = 0; s < steps; s++, codes += stride, x0 += 8, x1 += 8, x2 += 8) {
    const y0 = v128.load_ext<u8>(codes)
    const y1 = v128.load_ext<u8>(codes, 8)
    let p = v128.load64_splat(x0)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(y0, p))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y1, p))
    p = v128.load64_splat(x1)
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y0, p))
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y1, p))
    p = v128.load64_splat(x2)
    c0 = i32x4.add(c0, i32x4.dot_i16x8_s(y0, p))
    c1 = i32x4.add(c1, i32x4.dot_i16x8_s(y1, p))
  }
  addPairs(out, load<f32>(factors), load<f32>(bases), a0, a1)
  addPairs(out + outStride, load<f32>(factors, 4), load<f32>(bases, 4), b0, b1)
  addPairs(out + 2 * outStride, load<f32>(factors, 8), load<f32>(bases, 8), c0, c1)
}

/** `pairCodes8` for 16 columns of one line. */
export function lineCodes8(codes: usize, stride: usize, steps: u32, x: usize, f: f32, base: f32, out: usize): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  let b0 = a0
  let b1 = a0
  let b2 = a0
  let b3 = a0
  for (let s: u32 = 0; s < steps; s++, codes += stride, x += 8) {
    const p = v128.load64_splat(x)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes), p))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 8), p))
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 16), p))
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 24), p))
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 32), p))
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 40), p))
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 48), p))
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 56), p))
  }
  addPairs(out, f, base, a0, a1)
  addPairs(out + 16, f, base, a2, a3)
  addPairs(out + 32, f, base, b0, b1)
  addPairs(out + 48, f, base, b2, b3)
}

/** `pairCodes8` for four columns of one line, for the rest that fills no tile. */
export function fourCodes8(codes: usize, stride: usize, steps: u32, x: usize, f: f32, base: f32, out: usize): void {
  let a = i32x4.splat(0)
  let b = a
  for (let s: u32 = 0; s < steps; s++, codes += stride, x += 8) {
    const p = v128.load64_splat(x)
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes), p))
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 8), p))
  }
  addPairs(out, f, base, a, b)
}

/** Stores sums of two columns per vector, two lanes per column. */
@inline
function addPairs(to: usize, factor: f32, base: f32, a: v128, b: v128): void {
  const sums = i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
  v128.store(to, madd(f32x4.splat(factor), f32x4.convert_i32x4_s(sums), f32x4.add(v128.load(to), f32x4.splat(base))))
}
