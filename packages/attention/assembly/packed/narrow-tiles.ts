import { addBased, dotCodes } from './group-tiles'

// Decode over codes of 4 and 2 bits in groups. A byte holds two or four codes; their positions are unrolled, because V8
// takes three more instructions for a variable shift. `bits` is a constant at each inlined call, so each export keeps
// only its own half.

@inline
export function maskOf(bits: u32): v128 {
  return bits == 4 ? i32x4.splat(0x0f0f0f0f) : i32x4.splat(0x03030303)
}

/** Code number `place` of every byte. */
@inline
export function codesOf(bits: u32, place: u32, bytes: v128, mask: v128): v128 {
  return v128.and(place == 0 ? bytes : i32x4.shr_u(bytes, place * bits), mask)
}

@inline
function pairCodes(
  bits: u32,
  codes: usize,
  stride: usize,
  steps: u32,
  x0: usize,
  x1: usize,
  factors0: usize,
  factors1: usize,
  base0: f32,
  base1: f32,
  o0: usize,
  o1: usize,
): void {
  const mask = maskOf(bits)
  const xBytes: usize = 32 / bits
  for (let from: u32 = 0; from < steps; from += bits, factors0 += 4, factors1 += 4) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    const end = min<u32>(from + bits, steps)
    for (let s = from; s < end; s++, codes += stride, x0 += xBytes, x1 += xBytes) {
      let p0 = v128.load32_splat(x0)
      let p1 = v128.load32_splat(x1)
      let y = codesOf(bits, 0, v128.load(codes), mask)
      a0 = i16x8.add(a0, dotCodes(p0, y))
      b0 = i16x8.add(b0, dotCodes(p1, y))
      y = codesOf(bits, 0, v128.load(codes, 16), mask)
      a1 = i16x8.add(a1, dotCodes(p0, y))
      b1 = i16x8.add(b1, dotCodes(p1, y))
      y = codesOf(bits, 0, v128.load(codes, 32), mask)
      a2 = i16x8.add(a2, dotCodes(p0, y))
      b2 = i16x8.add(b2, dotCodes(p1, y))
      y = codesOf(bits, 0, v128.load(codes, 48), mask)
      a3 = i16x8.add(a3, dotCodes(p0, y))
      b3 = i16x8.add(b3, dotCodes(p1, y))
      p0 = v128.load32_splat(x0, 4)
      p1 = v128.load32_splat(x1, 4)
      y = codesOf(bits, 1, v128.load(codes), mask)
      a0 = i16x8.add(a0, dotCodes(p0, y))
      b0 = i16x8.add(b0, dotCodes(p1, y))
      y = codesOf(bits, 1, v128.load(codes, 16), mask)
      a1 = i16x8.add(a1, dotCodes(p0, y))
      b1 = i16x8.add(b1, dotCodes(p1, y))
      y = codesOf(bits, 1, v128.load(codes, 32), mask)
      a2 = i16x8.add(a2, dotCodes(p0, y))
      b2 = i16x8.add(b2, dotCodes(p1, y))
      y = codesOf(bits, 1, v128.load(codes, 48), mask)
      a3 = i16x8.add(a3, dotCodes(p0, y))
      b3 = i16x8.add(b3, dotCodes(p1, y))
      if (bits == 4) continue
      p0 = v128.load32_splat(x0, 8)
      p1 = v128.load32_splat(x1, 8)
      y = codesOf(bits, 2, v128.load(codes), mask)
      a0 = i16x8.add(a0, dotCodes(p0, y))
      b0 = i16x8.add(b0, dotCodes(p1, y))
      y = codesOf(bits, 2, v128.load(codes, 16), mask)
      a1 = i16x8.add(a1, dotCodes(p0, y))
      b1 = i16x8.add(b1, dotCodes(p1, y))
      y = codesOf(bits, 2, v128.load(codes, 32), mask)
      a2 = i16x8.add(a2, dotCodes(p0, y))
      b2 = i16x8.add(b2, dotCodes(p1, y))
      y = codesOf(bits, 2, v128.load(codes, 48), mask)
      a3 = i16x8.add(a3, dotCodes(p0, y))
      b3 = i16x8.add(b3, dotCodes(p1, y))
      p0 = v128.load32_splat(x0, 12)
      p1 = v128.load32_splat(x1, 12)
      y = codesOf(bits, 3, v128.load(codes), mask)
      a0 = i16x8.add(a0, dotCodes(p0, y))
      b0 = i16x8.add(b0, dotCodes(p1, y))
      y = codesOf(bits, 3, v128.load(codes, 16), mask)
      a1 = i16x8.add(a1, dotCodes(p0, y))
      b1 = i16x8.add(b1, dotCodes(p1, y))
      y = codesOf(bits, 3, v128.load(codes, 32), mask)
      a2 = i16x8.add(a2, dotCodes(p0, y))
      b2 = i16x8.add(b2, dotCodes(p1, y))
      y = codesOf(bits, 3, v128.load(codes, 48), mask)
      a3 = i16x8.add(a3, dotCodes(p0, y))
      b3 = i16x8.add(b3, dotCodes(p1, y))
    }
    addBased(o0, load<f32>(factors0), from == 0 ? base0 : 0, a0, a1, a2, a3)
    addBased(o1, load<f32>(factors1), from == 0 ? base1 : 0, b0, b1, b2, b3)
  }
}

/**
 * out[c] += Σ factors[b] · Σ codes · x + base for 16 columns of two lines; b counts blocks of 32 codes. Word (s, c) of
 * [steps][columns] holds 8 codes of column c, which are multiplied with as many i8 of a line (in the order of
 * `roundBlock`). `stride` is the bytes per row of columns.
 */
export function pairCodes4(
  codes: usize,
  stride: usize,
  steps: u32,
  x0: usize,
  x1: usize,
  factors0: usize,
  factors1: usize,
  base0: f32,
  base1: f32,
  o0: usize,
  o1: usize,
): void {
  pairCodes(4, codes, stride, steps, x0, x1, factors0, factors1, base0, base1, o0, o1)
}

/** `pairCodes4` for words of 16 codes. */
export function pairCodes2(
  codes: usize,
  stride: usize,
  steps: u32,
  x0: usize,
  x1: usize,
  factors0: usize,
  factors1: usize,
  base0: f32,
  base1: f32,
  o0: usize,
  o1: usize,
): void {
  pairCodes(2, codes, stride, steps, x0, x1, factors0, factors1, base0, base1, o0, o1)
}

@inline
function lineCodes(
  bits: u32,
  codes: usize,
  stride: usize,
  steps: u32,
  x: usize,
  factors: usize,
  base: f32,
  out: usize,
): void {
  const mask = maskOf(bits)
  const xBytes: usize = 32 / bits
  for (let from: u32 = 0; from < steps; from += bits, factors += 4) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    const end = min<u32>(from + bits, steps)
    for (let s = from; s < end; s++, codes += stride, x += xBytes) {
      let p = v128.load32_splat(x)
      a0 = i16x8.add(a0, dotCodes(p, codesOf(bits, 0, v128.load(codes), mask)))
      a1 = i16x8.add(a1, dotCodes(p, codesOf(bits, 0, v128.load(codes, 16), mask)))
      a2 = i16x8.add(a2, dotCodes(p, codesOf(bits, 0, v128.load(codes, 32), mask)))
      a3 = i16x8.add(a3, dotCodes(p, codesOf(bits, 0, v128.load(codes, 48), mask)))
      b0 = i16x8.add(b0, dotCodes(p, codesOf(bits, 0, v128.load(codes, 64), mask)))
      b1 = i16x8.add(b1, dotCodes(p, codesOf(bits, 0, v128.load(codes, 80), mask)))
      b2 = i16x8.add(b2, dotCodes(p, codesOf(bits, 0, v128.load(codes, 96), mask)))
      b3 = i16x8.add(b3, dotCodes(p, codesOf(bits, 0, v128.load(codes, 112), mask)))
      p = v128.load32_splat(x, 4)
      a0 = i16x8.add(a0, dotCodes(p, codesOf(bits, 1, v128.load(codes), mask)))
      a1 = i16x8.add(a1, dotCodes(p, codesOf(bits, 1, v128.load(codes, 16), mask)))
      a2 = i16x8.add(a2, dotCodes(p, codesOf(bits, 1, v128.load(codes, 32), mask)))
      a3 = i16x8.add(a3, dotCodes(p, codesOf(bits, 1, v128.load(codes, 48), mask)))
      b0 = i16x8.add(b0, dotCodes(p, codesOf(bits, 1, v128.load(codes, 64), mask)))
      b1 = i16x8.add(b1, dotCodes(p, codesOf(bits, 1, v128.load(codes, 80), mask)))
      b2 = i16x8.add(b2, dotCodes(p, codesOf(bits, 1, v128.load(codes, 96), mask)))
      b3 = i16x8.add(b3, dotCodes(p, codesOf(bits, 1, v128.load(codes, 112), mask)))
      if (bits == 4) continue
      p = v128.load32_splat(x, 8)
      a0 = i16x8.add(a0, dotCodes(p, codesOf(bits, 2, v128.load(codes), mask)))
      a1 = i16x8.add(a1, dotCodes(p, codesOf(bits, 2, v128.load(codes, 16), mask)))
      a2 = i16x8.add(a2, dotCodes(p, codesOf(bits, 2, v128.load(codes, 32), mask)))
      a3 = i16x8.add(a3, dotCodes(p, codesOf(bits, 2, v128.load(codes, 48), mask)))
      b0 = i16x8.add(b0, dotCodes(p, codesOf(bits, 2, v128.load(codes, 64), mask)))
      b1 = i16x8.add(b1, dotCodes(p, codesOf(bits, 2, v128.load(codes, 80), mask)))
      b2 = i16x8.add(b2, dotCodes(p, codesOf(bits, 2, v128.load(codes, 96), mask)))
      b3 = i16x8.add(b3, dotCodes(p, codesOf(bits, 2, v128.load(codes, 112), mask)))
      p = v128.load32_splat(x, 12)
      a0 = i16x8.add(a0, dotCodes(p, codesOf(bits, 3, v128.load(codes), mask)))
      a1 = i16x8.add(a1, dotCodes(p, codesOf(bits, 3, v128.load(codes, 16), mask)))
      a2 = i16x8.add(a2, dotCodes(p, codesOf(bits, 3, v128.load(codes, 32), mask)))
      a3 = i16x8.add(a3, dotCodes(p, codesOf(bits, 3, v128.load(codes, 48), mask)))
      b0 = i16x8.add(b0, dotCodes(p, codesOf(bits, 3, v128.load(codes, 64), mask)))
      b1 = i16x8.add(b1, dotCodes(p, codesOf(bits, 3, v128.load(codes, 80), mask)))
      b2 = i16x8.add(b2, dotCodes(p, codesOf(bits, 3, v128.load(codes, 96), mask)))
      b3 = i16x8.add(b3, dotCodes(p, codesOf(bits, 3, v128.load(codes, 112), mask)))
    }
    const added: f32 = from == 0 ? base : 0
    addBased(out, load<f32>(factors), added, a0, a1, a2, a3)
    addBased(out + 64, load<f32>(factors), added, b0, b1, b2, b3)
  }
}

/** `pairCodes4` for 32 columns of one line. */
export function lineCodes4(
  codes: usize,
  stride: usize,
  steps: u32,
  x: usize,
  factors: usize,
  base: f32,
  out: usize,
): void {
  lineCodes(4, codes, stride, steps, x, factors, base, out)
}
export function lineCodes2(
  codes: usize,
  stride: usize,
  steps: u32,
  x: usize,
  factors: usize,
  base: f32,
  out: usize,
): void {
  lineCodes(2, codes, stride, steps, x, factors, base, out)
}
