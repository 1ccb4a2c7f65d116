import { crumbMask, dotAdd, madd, nibbleMask, NO_BITS, scalar } from '@tessera-llm/wasm/assembly/lib'

// Decode over codes in groups, where one instruction multiplies bytes and adds to 32 bits: lines are cut into high and
// low bytes (rounding.ts). It takes codes of 8 bits as they are where it takes bytes as unsigned; elsewhere `flip`,
// a constant's number, makes signed bytes of them, 128 less each, which the bases make up for.

@inline
function codesOf(bits: u32, place: u32, words: v128, mask: v128): v128 {
  if (bits == 8) return v128.xor(words, mask)
  return v128.and(place == 0 ? words : i16x8.shr_u(words, place * bits), mask)
}

@inline
function store8(to: usize, factor: f32, base: f32, h0: v128, h1: v128, l0: v128, l1: v128, isWhole: bool): void {
  const f = f32x4.splat(factor)
  const more = f32x4.splat(base)
  const a = i32x4.add(i32x4.shl(h0, 8), l0)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(a), f32x4.add(v128.load(to), more)))
  if (!isWhole) return
  const b = i32x4.add(i32x4.shl(h1, 8), l1)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(b), f32x4.add(v128.load(to, 16), more)), 16)
}

/** `narrow` of narrow-tiles.ts by products of bytes, for 8 bits too: 12 sums for three lines. */
@inline
function bytes(
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
  flip: u32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const mask = bits == 8 ? scalar(flip) : bits == 4 ? nibbleMask() : crumbMask()
  const size: usize = 64 / bits
  for (let column: u32 = 0; column < columns; column += 8, codes += 32, out += 32) {
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
    let x0 = x
    let x1 = x + each
    let x2 = x1 + each
    let at = codes
    for (let s: u32 = 0; s < steps; s++, at += stride, x0 += size, x1 += size, x2 += size) {
      let y0 = codesOf(bits, 0, v128.load(at), mask)
      let y1 = codesOf(bits, 0, v128.load(at, 16), mask)
      let p = v128.load32_splat(x0, 0)
      a0 = dotAdd(p, y0, a0)
      a1 = dotAdd(p, y1, a1)
      p = v128.load32_splat(x0, 4)
      a2 = dotAdd(p, y0, a2)
      a3 = dotAdd(p, y1, a3)
      if (lines > 1) {
        p = v128.load32_splat(x1, 0)
        b0 = dotAdd(p, y0, b0)
        b1 = dotAdd(p, y1, b1)
        p = v128.load32_splat(x1, 4)
        b2 = dotAdd(p, y0, b2)
        b3 = dotAdd(p, y1, b3)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 0)
        c0 = dotAdd(p, y0, c0)
        c1 = dotAdd(p, y1, c1)
        p = v128.load32_splat(x2, 4)
        c2 = dotAdd(p, y0, c2)
        c3 = dotAdd(p, y1, c3)
      }
      if (bits == 8) continue
      y0 = codesOf(bits, 1, v128.load(at), mask)
      y1 = codesOf(bits, 1, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 8)
      a0 = dotAdd(p, y0, a0)
      a1 = dotAdd(p, y1, a1)
      p = v128.load32_splat(x0, 12)
      a2 = dotAdd(p, y0, a2)
      a3 = dotAdd(p, y1, a3)
      if (lines > 1) {
        p = v128.load32_splat(x1, 8)
        b0 = dotAdd(p, y0, b0)
        b1 = dotAdd(p, y1, b1)
        p = v128.load32_splat(x1, 12)
        b2 = dotAdd(p, y0, b2)
        b3 = dotAdd(p, y1, b3)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 8)
        c0 = dotAdd(p, y0, c0)
        c1 = dotAdd(p, y1, c1)
        p = v128.load32_splat(x2, 12)
        c2 = dotAdd(p, y0, c2)
        c3 = dotAdd(p, y1, c3)
      }
      if (bits == 4) continue
      y0 = codesOf(bits, 2, v128.load(at), mask)
      y1 = codesOf(bits, 2, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 16)
      a0 = dotAdd(p, y0, a0)
      a1 = dotAdd(p, y1, a1)
      p = v128.load32_splat(x0, 20)
      a2 = dotAdd(p, y0, a2)
      a3 = dotAdd(p, y1, a3)
      if (lines > 1) {
        p = v128.load32_splat(x1, 16)
        b0 = dotAdd(p, y0, b0)
        b1 = dotAdd(p, y1, b1)
        p = v128.load32_splat(x1, 20)
        b2 = dotAdd(p, y0, b2)
        b3 = dotAdd(p, y1, b3)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 16)
        c0 = dotAdd(p, y0, c0)
        c1 = dotAdd(p, y1, c1)
        p = v128.load32_splat(x2, 20)
        c2 = dotAdd(p, y0, c2)
        c3 = dotAdd(p, y1, c3)
      }
      y0 = codesOf(bits, 3, v128.load(at), mask)
      y1 = codesOf(bits, 3, v128.load(at, 16), mask)
      p = v128.load32_splat(x0, 24)
      a0 = dotAdd(p, y0, a0)
      a1 = dotAdd(p, y1, a1)
      p = v128.load32_splat(x0, 28)
      a2 = dotAdd(p, y0, a2)
      a3 = dotAdd(p, y1, a3)
      if (lines > 1) {
        p = v128.load32_splat(x1, 24)
        b0 = dotAdd(p, y0, b0)
        b1 = dotAdd(p, y1, b1)
        p = v128.load32_splat(x1, 28)
        b2 = dotAdd(p, y0, b2)
        b3 = dotAdd(p, y1, b3)
      }
      if (lines > 2) {
        p = v128.load32_splat(x2, 24)
        c0 = dotAdd(p, y0, c0)
        c1 = dotAdd(p, y1, c1)
        p = v128.load32_splat(x2, 28)
        c2 = dotAdd(p, y0, c2)
        c3 = dotAdd(p, y1, c3)
      }
    }
    const isWhole = columns - column >= 8
    store8(out, load<f32>(factors), load<f32>(bases), a0, a1, a2, a3, isWhole)
    if (lines > 1) store8(out + outStride, load<f32>(factors, 4), load<f32>(bases, 4), b0, b1, b2, b3, isWhole)
    if (lines > 2) store8(out + 2 * outStride, load<f32>(factors, 8), load<f32>(bases, 8), c0, c1, c2, c3, isWhole)
  }
}
export function threeBytes8(
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
  flip: u32,
): void {
  bytes(8, 3, codes, stride, steps, columns, x, each, factors, bases, out, outStride, flip)
}
export function twoBytes8(
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
  flip: u32,
): void {
  bytes(8, 2, codes, stride, steps, columns, x, each, factors, bases, out, outStride, flip)
}
export function oneBytes8(
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
  flip: u32,
): void {
  bytes(8, 1, codes, stride, steps, columns, x, each, factors, bases, out, outStride, flip)
}
export function threeBytes4(
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
  bytes(4, 3, codes, stride, steps, columns, x, each, factors, bases, out, outStride, NO_BITS)
}
export function twoBytes4(
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
  bytes(4, 2, codes, stride, steps, columns, x, each, factors, bases, out, outStride, NO_BITS)
}
export function oneBytes4(
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
  bytes(4, 1, codes, stride, steps, columns, x, each, factors, bases, out, outStride, NO_BITS)
}
export function threeBytes2(
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
  bytes(2, 3, codes, stride, steps, columns, x, each, factors, bases, out, outStride, NO_BITS)
}
export function twoBytes2(
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
  bytes(2, 2, codes, stride, steps, columns, x, each, factors, bases, out, outStride, NO_BITS)
}
export function oneBytes2(
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
  bytes(2, 1, codes, stride, steps, columns, x, each, factors, bases, out, outStride, NO_BITS)
}
