import { LOW_2, LOW_4, madd, scalar } from '@tessera-llm/wasm/assembly/lib'

// Decode over codes of 4 and 2 bits in groups, by products of 16 bits: a 16-bit half of a word holds four or eight
// codes, whose positions are unrolled, because V8 takes three more instructions for a variable shift. `bits` and `lines`
// are constants at each inlined call, so each export keeps only its own part.

/** Code number `place` of every 16-bit half. */
@inline
function codesOf(bits: u32, place: u32, words: v128, mask: v128): v128 {
  if (place == 0) return v128.and(words, mask)
  if (place + 1 == 16 / bits) return i16x8.shr_u(words, place * bits)
  return v128.and(i16x8.shr_u(words, place * bits), mask)
}

@inline
function store8(to: usize, factor: f32, base: f32, a: v128, b: v128, isWhole: bool): void {
  const f = f32x4.splat(factor)
  const more = f32x4.splat(base)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(a), f32x4.add(v128.load(to), more)))
  if (isWhole) v128.store(to, madd(f, f32x4.convert_i32x4_s(b), f32x4.add(v128.load(to, 16), more)), 16)
}

@inline
function dot(sum: v128, x: v128, codes: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, codes))
}

/**
 * out[line][c] += factors[line] · Σ codes · x + bases[line] for `columns` columns (a multiple of 4), eight at a time.
 * Word (s, c) of [steps][columns] holds 32 / `bits` codes of column c; x (in the order of `roundLine`) are `each` bytes
 * apart, outputs `outStride`, rows of words `stride`. Behind the words of a group are others that may be read.
 */
@inline
function narrow(
  bits: u32,
  lines: u32,
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  const mask = scalar(bits == 4 ? LOW_4 : LOW_2)
  const bytes: usize = 64 / bits
  for (let column: u32 = 0; column < columns; column += 8, codes += 32, out += 32) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let x0 = x
    let x1 = x + each
    let x2 = x1 + each
    let at = codes
    for (let s: u32 = 0; s < steps; s++, at += stride, x0 += bytes, x1 += bytes, x2 += bytes) {
      let y0 = codesOf(bits, 0, v128.load(at), mask)
      let y1 = codesOf(bits, 0, v128.load(at, 16), mask)
      let p = v128.load32_splat(x0, 0)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 0)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 0)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      y0 = codesOf(bits, 1, v128.load(at), mask)
      y1 = codesOf(bits, 1, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 4)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 4)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 4)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      y0 = codesOf(bits, 2, v128.load(at), mask)
      y1 = codesOf(bits, 2, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 8)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 8)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 8)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      y0 = codesOf(bits, 3, v128.load(at), mask)
      y1 = codesOf(bits, 3, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 12)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 12)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 12)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      if (bits == 4) continue
      y0 = codesOf(bits, 4, v128.load(at), mask)
      y1 = codesOf(bits, 4, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 16)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 16)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 16)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      y0 = codesOf(bits, 5, v128.load(at), mask)
      y1 = codesOf(bits, 5, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 20)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 20)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 20)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      y0 = codesOf(bits, 6, v128.load(at), mask)
      y1 = codesOf(bits, 6, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 24)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 24)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 24)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
      y0 = codesOf(bits, 7, v128.load(at), mask)
      y1 = codesOf(bits, 7, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 28)
      a0 = dot(a0, p, y0)
      a1 = dot(a1, p, y1)
      if (lines > 1) {
        p = v128.load32_splat(x1, 28)
        b0 = dot(b0, p, y0)
        b1 = dot(b1, p, y1)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 28)
        c0 = dot(c0, p, y0)
        c1 = dot(c1, p, y1)
      }
    }
    const isWhole = columns - column >= 8
    store8(out, load<f32>(factors), load<f32>(bases), a0, a1, isWhole)
    if (lines > 1) store8(out + outStride, load<f32>(factors, 4), load<f32>(bases, 4), b0, b1, isWhole)
    if (lines > 2) store8(out + 2 * outStride, load<f32>(factors, 8), load<f32>(bases, 8), c0, c1, isWhole)
  }
}
export function threeNarrow4(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  narrow(4, 3, codes, stride, steps, columns, x, each, factors, bases, out, outStride)
}
export function twoNarrow4(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  narrow(4, 2, codes, stride, steps, columns, x, each, factors, bases, out, outStride)
}
export function oneNarrow4(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  narrow(4, 1, codes, stride, steps, columns, x, each, factors, bases, out, outStride)
}
export function threeNarrow2(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  narrow(2, 3, codes, stride, steps, columns, x, each, factors, bases, out, outStride)
}
export function twoNarrow2(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  narrow(2, 2, codes, stride, steps, columns, x, each, factors, bases, out, outStride)
}
export function oneNarrow2(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  narrow(2, 1, codes, stride, steps, columns, x, each, factors, bases, out, outStride)
}
