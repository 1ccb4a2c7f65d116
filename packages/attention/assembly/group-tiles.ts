import { madd } from '@tessera-llm/wasm/assembly/lib'

// The inner loops of decode over codes in groups, exported as those of packed-tiles.ts are.

/** Sixteen products of x in i8 and codes below 16, summed in pairs to i16: exact in either build. */
// @ts-ignore: decorator
@inline
function dotCodes(x: v128, codes: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(x, codes)
  const low = i16x8.extmul_low_i8x16_s(x, codes), high = i16x8.extmul_high_i8x16_s(x, codes)
  return i16x8.add(v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14), v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15))
}

/** Rows of words that hold 32 codes of a column: as many products of 15 · 127 as sums in i16 take. */
// @ts-ignore: decorator
@inline
function rowsAtOnce(bits: u32): u32 {
  return bits == 4 ? 4 : 2
}

/**
 * out[c] += Σ factors[b] · Σ codes · x + base for 16 columns, of two lines, where b counts blocks of 32 codes. Word (s, c) of [steps][columns] holds
 * 32 / bits codes of column c, which meet as many i8 of a line (in the order of `roundBlock`); `stride` are the bytes of the columns.
 */
// @ts-ignore: decorator
@inline
function pairCodes(bits: u32, codes: usize, stride: usize, steps: u32, x0: usize, x1: usize, factors0: usize, factors1: usize, base0: f32, base1: f32, o0: usize, o1: usize): void {
  const mask = i32x4.splat(bits == 4 ? 0x0f0f0f0f : 0x03030303)
  const bytes: usize = bits == 4 ? 8 : 16
  for (let from: u32 = 0; from < steps; from += rowsAtOnce(bits), factors0 += 4, factors1 += 4) {
    let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
    const end = min(from + rowsAtOnce(bits), steps)
    for (let s = from; s < end; s++, codes += stride, x0 += bytes, x1 += bytes) {
      for (let i: usize = 0; i < bytes; i += 4) {
        const p0 = v128.load32_splat(x0 + i), p1 = v128.load32_splat(x1 + i), shift: i32 = <i32>(i >> 2) * bits
        let y = v128.and(i32x4.shr_u(v128.load(codes), shift), mask)
        a0 = i16x8.add(a0, dotCodes(p0, y))
        b0 = i16x8.add(b0, dotCodes(p1, y))
        y = v128.and(i32x4.shr_u(v128.load(codes, 16), shift), mask)
        a1 = i16x8.add(a1, dotCodes(p0, y))
        b1 = i16x8.add(b1, dotCodes(p1, y))
        y = v128.and(i32x4.shr_u(v128.load(codes, 32), shift), mask)
        a2 = i16x8.add(a2, dotCodes(p0, y))
        b2 = i16x8.add(b2, dotCodes(p1, y))
        y = v128.and(i32x4.shr_u(v128.load(codes, 48), shift), mask)
        a3 = i16x8.add(a3, dotCodes(p0, y))
        b3 = i16x8.add(b3, dotCodes(p1, y))
      }
    }
    addBased(o0, load<f32>(factors0), from == 0 ? base0 : 0, a0, a1, a2, a3)
    addBased(o1, load<f32>(factors1), from == 0 ? base1 : 0, b0, b1, b2, b3)
  }
}

export function pairCodes4(codes: usize, stride: usize, steps: u32, x0: usize, x1: usize, factors0: usize, factors1: usize, base0: f32, base1: f32, o0: usize, o1: usize): void {
  pairCodes(4, codes, stride, steps, x0, x1, factors0, factors1, base0, base1, o0, o1)
}
export function pairCodes2(codes: usize, stride: usize, steps: u32, x0: usize, x1: usize, factors0: usize, factors1: usize, base0: f32, base1: f32, o0: usize, o1: usize): void {
  pairCodes(2, codes, stride, steps, x0, x1, factors0, factors1, base0, base1, o0, o1)
}

/** The same for 32 columns of one line. */
// @ts-ignore: decorator
@inline
function lineCodes(bits: u32, codes: usize, stride: usize, steps: u32, x: usize, factors: usize, base: f32, out: usize): void {
  const mask = i32x4.splat(bits == 4 ? 0x0f0f0f0f : 0x03030303)
  const bytes: usize = bits == 4 ? 8 : 16
  for (let from: u32 = 0; from < steps; from += rowsAtOnce(bits), factors += 4) {
    let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
    const end = min(from + rowsAtOnce(bits), steps)
    for (let s = from; s < end; s++, codes += stride, x += bytes) {
      for (let i: usize = 0; i < bytes; i += 4) {
        const p = v128.load32_splat(x + i), shift: i32 = <i32>(i >> 2) * bits
        a0 = i16x8.add(a0, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes), shift), mask)))
        a1 = i16x8.add(a1, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 16), shift), mask)))
        a2 = i16x8.add(a2, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 32), shift), mask)))
        a3 = i16x8.add(a3, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 48), shift), mask)))
        b0 = i16x8.add(b0, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 64), shift), mask)))
        b1 = i16x8.add(b1, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 80), shift), mask)))
        b2 = i16x8.add(b2, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 96), shift), mask)))
        b3 = i16x8.add(b3, dotCodes(p, v128.and(i32x4.shr_u(v128.load(codes, 112), shift), mask)))
      }
    }
    const added: f32 = from == 0 ? base : 0
    addBased(out, load<f32>(factors), added, a0, a1, a2, a3)
    addBased(out + 64, load<f32>(factors), added, b0, b1, b2, b3)
  }
}

export function lineCodes4(codes: usize, stride: usize, steps: u32, x: usize, factors: usize, base: f32, out: usize): void {
  lineCodes(4, codes, stride, steps, x, factors, base, out)
}
export function lineCodes2(codes: usize, stride: usize, steps: u32, x: usize, factors: usize, base: f32, out: usize): void {
  lineCodes(2, codes, stride, steps, x, factors, base, out)
}

/** The same for four columns of one line: where no tile fits. */
export function fourCodes(bits: u32, codes: usize, stride: usize, steps: u32, x: usize, factors: usize, base: f32, out: usize): void {
  const mask = i32x4.splat(bits == 4 ? 0x0f0f0f0f : 0x03030303)
  const bytes: usize = bits == 4 ? 8 : 16
  for (let from: u32 = 0; from < steps; from += rowsAtOnce(bits), factors += 4) {
    let a = i32x4.splat(0)
    const end = min(from + rowsAtOnce(bits), steps)
    for (let s = from; s < end; s++, codes += stride, x += bytes) {
      let c = v128.load(codes)
      for (let i: usize = 0; i < bytes; i += 4) {
        a = i16x8.add(a, dotCodes(v128.load32_splat(x + i), v128.and(c, mask)))
        c = i32x4.shr_u(c, bits)
      }
    }
    const sums = f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(a))
    v128.store(out, madd(f32x4.splat(load<f32>(factors)), sums, f32x4.add(v128.load(out), f32x4.splat(from == 0 ? base : 0))))
  }
}

// @ts-ignore: decorator
@inline
function addBased(to: usize, factor: f32, base: f32, a: v128, b: v128, c: v128, d: v128): void {
  const f = f32x4.splat(factor), more = f32x4.splat(base)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(a)), f32x4.add(v128.load(to), more)))
  v128.store(to, madd(f, f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(b)), f32x4.add(v128.load(to, 16), more)), 16)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(c)), f32x4.add(v128.load(to, 32), more)), 32)
  v128.store(to, madd(f, f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(d)), f32x4.add(v128.load(to, 48), more)), 48)
}

/**
 * out[c] += factor · Σ codes · x + base for 8 columns, of two lines, where codes have 8 bits and x has 16 (in order): word (s, c) of [steps][columns] holds
 * 4 codes of column c.
 */
export function pairCodes8(codes: usize, stride: usize, steps: u32, x0: usize, x1: usize, f0: f32, f1: f32, base0: f32, base1: f32, o0: usize, o1: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
  for (let s: u32 = 0; s < steps; s++, codes += stride, x0 += 8, x1 += 8) {
    const p0 = v128.load64_splat(x0), p1 = v128.load64_splat(x1)
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

/** The same for 16 columns of one line. */
export function lineCodes8(codes: usize, stride: usize, steps: u32, x: usize, f: f32, base: f32, out: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
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

/** The same for four columns of one line: where no tile fits. */
export function fourCodes8(codes: usize, stride: usize, steps: u32, x: usize, f: f32, base: f32, out: usize): void {
  let a = i32x4.splat(0), b = a
  for (let s: u32 = 0; s < steps; s++, codes += stride, x += 8) {
    const p = v128.load64_splat(x)
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes), p))
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<u8>(codes, 8), p))
  }
  addPairs(out, f, base, a, b)
}

/** Sums of two columns each, two lanes a column. */
// @ts-ignore: decorator
@inline
function addPairs(to: usize, factor: f32, base: f32, a: v128, b: v128): void {
  const sums = i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
  v128.store(to, madd(f32x4.splat(factor), f32x4.convert_i32x4_s(sums), f32x4.add(v128.load(to), f32x4.splat(base))))
}
