import { addTwo, dotCodes } from './group-tiles'
import { codesOf, maskOf } from './narrow-tiles'

// Three lines at a time over codes of 4 and 2 bits, as in narrow-tiles.ts.

@inline
function tripleCodes(
  bits: u32,
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
  const mask = maskOf(bits)
  const xBytes: usize = 32 / bits
  let x1 = x0 + each
  let x2 = x1 + each
  let base0 = load<f32>(bases)
  let base1 = load<f32>(bases, 4)
  let base2 = load<f32>(bases, 8)
  for (let from: u32 = 0; from < steps; from += bits, factors += 4, base0 = 0, base1 = 0, base2 = 0) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    const end = min<u32>(from + bits, steps)
    for (let s = from; s < end; s++, codes += stride, x0 += xBytes, x1 += xBytes, x2 += xBytes) {
      let y0 = codesOf(bits, 0, v128.load(codes), mask)
      let y1 = codesOf(bits, 0, v128.load(codes, 16), mask)
      let p = v128.load32_splat(x0)
      a0 = i16x8.add(a0, dotCodes(p, y0))
      a1 = i16x8.add(a1, dotCodes(p, y1))
      p = v128.load32_splat(x1)
      b0 = i16x8.add(b0, dotCodes(p, y0))
      b1 = i16x8.add(b1, dotCodes(p, y1))
      p = v128.load32_splat(x2)
      c0 = i16x8.add(c0, dotCodes(p, y0))
      c1 = i16x8.add(c1, dotCodes(p, y1))
      y0 = codesOf(bits, 1, v128.load(codes), mask)
      y1 = codesOf(bits, 1, v128.load(codes, 16), mask)
      p = v128.load32_splat(x0, 4)
      a0 = i16x8.add(a0, dotCodes(p, y0))
      a1 = i16x8.add(a1, dotCodes(p, y1))
      p = v128.load32_splat(x1, 4)
      b0 = i16x8.add(b0, dotCodes(p, y0))
      b1 = i16x8.add(b1, dotCodes(p, y1))
      p = v128.load32_splat(x2, 4)
      c0 = i16x8.add(c0, dotCodes(p, y0))
      c1 = i16x8.add(c1, dotCodes(p, y1))
      if (bits == 4) continue
      y0 = codesOf(bits, 2, v128.load(codes), mask)
      y1 = codesOf(bits, 2, v128.load(codes, 16), mask)
      p = v128.load32_splat(x0, 8)
      a0 = i16x8.add(a0, dotCodes(p, y0))
      a1 = i16x8.add(a1, dotCodes(p, y1))
      p = v128.load32_splat(x1, 8)
      b0 = i16x8.add(b0, dotCodes(p, y0))
      b1 = i16x8.add(b1, dotCodes(p, y1))
      p = v128.load32_splat(x2, 8)
      c0 = i16x8.add(c0, dotCodes(p, y0))
      c1 = i16x8.add(c1, dotCodes(p, y1))
      y0 = codesOf(bits, 3, v128.load(codes), mask)
      y1 = codesOf(bits, 3, v128.load(codes, 16), mask)
      p = v128.load32_splat(x0, 12)
      a0 = i16x8.add(a0, dotCodes(p, y0))
      a1 = i16x8.add(a1, dotCodes(p, y1))
      p = v128.load32_splat(x1, 12)
      b0 = i16x8.add(b0, dotCodes(p, y0))
      b1 = i16x8.add(b1, dotCodes(p, y1))
      p = v128.load32_splat(x2, 12)
      c0 = i16x8.add(c0, dotCodes(p, y0))
      c1 = i16x8.add(c1, dotCodes(p, y1))
    }
    addTwo(out, load<f32>(factors), base0, a0, a1)
    addTwo(out + outStride, load<f32>(factors + each), base1, b0, b1)
    addTwo(out + 2 * outStride, load<f32>(factors + 2 * each), base2, c0, c1)
  }
}

/**
 * `pairCodes4` for 8 columns of three lines: codes and factors are `each` bytes apart, bases 4, outputs `outStride`.
 */
export function tripleCodes4(
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
  tripleCodes(4, codes, stride, steps, x0, each, factors, bases, out, outStride)
}
export function tripleCodes2(
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
  tripleCodes(2, codes, stride, steps, x0, each, factors, bases, out, outStride)
}
