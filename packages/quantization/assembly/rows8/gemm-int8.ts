import { halfBias, halfMask, highMask, nibbleMask } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes, SCALE, SUM, SUM_HIGH, SUM_LOW, ZERO, ZERO_HIGH, ZERO_LOW } from './activations'
import { hasFifth, highCodes, lowCodes, wideCodes } from './codes'
import { dot16, dot8 } from './gemv-int8'
import { addPairs, f16Floats, fma } from './lanes'
import { blockBytes, hasHalves, hasOffset, headBytes, Q6_K, superBytes, zeroPoint } from './layout'
import { offsetOf, scaleOf } from './scales'

// Four tokens times a group of 8 rows: 8 sums, and each code vector is decoded once for four tokens. The f32 sums lie at `out`
// (token by token, two vectors each), because no register is left for them.

/** out += sums · (scale · s) [+ offset · sum]: one token, four rows. */
@inline function add(out: usize, sums: v128, scale: v128, s: v128, offset: v128, sum: v128, withOffset: bool): void {
  let y = fma(f32x4.convert_i32x4_s(sums), f32x4.mul(scale, s), v128.load(out))
  if (withOffset) y = fma(offset, sum, y)
  v128.store(out, y)
}

@inline function dotAdd(sum: v128, x: v128, codes: v128): v128 {
  return i16x8.add(sum, dot8(x, codes))
}

/**
 * The steps t = first … last−1 of the code vectors, low nibbles, high nibbles or both, for the four tokens of the record at x; `half`
 * says whose scale counts. The zero point counts once for each scale, with its first steps, and the offset likewise. Scales are
 * read after the sums are done, and code vectors twice, because a register more would push a sum into memory.
 */
@inline function narrowSteps(kind: i32, p: usize, x: usize, first: i32, last: i32, low: bool, high: bool, half: i32, out: usize, d0: v128, d1: v128, n0: v128, n1: v128): void {
  const codes = p + headBytes(kind)
  const nibble = nibbleMask(), mask = highMask(kind == Q6_K ? 2 : 1)
  let a0 = i16x8.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0
  for (let t = first; t < last; t++) {
    if (low) {
      const q0 = lowCodes(kind, v128.load(codes + 32 * t), hasFifth(kind) || kind == Q6_K ? v128.load(codes, 128) : nibble, t, nibble, mask)
      const q1 = lowCodes(kind, v128.load(codes + 32 * t, 16), hasFifth(kind) || kind == Q6_K ? v128.load(codes, 144) : nibble, t, nibble, mask)
      let xt = v128.load32_splat(x + 4 * t)
      a0 = dotAdd(a0, xt, q0), a1 = dotAdd(a1, xt, q1)
      xt = v128.load32_splat(x + 4 * t, 32)
      b0 = dotAdd(b0, xt, q0), b1 = dotAdd(b1, xt, q1)
      xt = v128.load32_splat(x + 4 * t, 64)
      c0 = dotAdd(c0, xt, q0), c1 = dotAdd(c1, xt, q1)
      xt = v128.load32_splat(x + 4 * t, 96)
      e0 = dotAdd(e0, xt, q0), e1 = dotAdd(e1, xt, q1)
    }
    if (high) {
      const q0 = highCodes(kind, v128.load(codes + 32 * t), hasFifth(kind) ? v128.load(codes, 128) : kind == Q6_K ? v128.load(codes, 160) : nibble, t, nibble, mask)
      const q1 = highCodes(kind, v128.load(codes + 32 * t, 16), hasFifth(kind) ? v128.load(codes, 144) : kind == Q6_K ? v128.load(codes, 176) : nibble, t, nibble, mask)
      let xt = v128.load32_splat(x + 4 * t, 16)
      a0 = dotAdd(a0, xt, q0), a1 = dotAdd(a1, xt, q1)
      xt = v128.load32_splat(x + 4 * t, 48)
      b0 = dotAdd(b0, xt, q0), b1 = dotAdd(b1, xt, q1)
      xt = v128.load32_splat(x + 4 * t, 80)
      c0 = dotAdd(c0, xt, q0), c1 = dotAdd(c1, xt, q1)
      xt = v128.load32_splat(x + 4 * t, 112)
      e0 = dotAdd(e0, xt, q0), e1 = dotAdd(e1, xt, q1)
    }
  }
  const bits = halfMask(), bias = halfBias()
  const isFirst = first == 0
  const scale0 = scaleOf(kind, p, 0, half, d0, bits, bias), scale1 = scaleOf(kind, p, 1, half, d1, bits, bias)
  let offset0 = scale0, offset1 = scale1
  if (hasOffset(kind) && isFirst) {
    offset0 = offsetOf(kind, p, 0, half, n0, bits, bias)
    offset1 = offsetOf(kind, p, 1, half, n1, bits, bias)
  }
  finishToken(kind, out, a0, a1, scale0, scale1, offset0, offset1, x + 128, isFirst, half)
  finishToken(kind, out + 32, b0, b1, scale0, scale1, offset0, offset1, x + 132, isFirst, half)
  finishToken(kind, out + 64, c0, c1, scale0, scale1, offset0, offset1, x + 136, isFirst, half)
  finishToken(kind, out + 96, e0, e1, scale0, scale1, offset0, offset1, x + 140, isFirst, half)
}

/** Widens one token's sums and adds them; `f` is the token's first field. */
@inline function finishToken(kind: i32, out: usize, low0: v128, low1: v128, scale0: v128, scale1: v128, offset0: v128, offset1: v128, f: usize, isFirst: bool, half: i32): void {
  let s0 = i32x4.extadd_pairwise_i16x8_s(low0), s1 = i32x4.extadd_pairwise_i16x8_s(low1)
  if (zeroPoint(kind) > 0 && isFirst) {
    const zero = v128.load32_splat(f + 16 * (hasHalves(kind) ? (half == 0 ? ZERO_LOW : ZERO_HIGH) : ZERO))
    s0 = i32x4.add(s0, zero), s1 = i32x4.add(s1, zero)
  }
  const s = v128.load32_splat(f + 16 * SCALE), withOffset = hasOffset(kind) && isFirst
  const sum = withOffset ? v128.load32_splat(f + 16 * SUM) : s
  add(out, s0, scale0, s, offset0, sum, withOffset)
  add(out + 16, s1, scale1, s, offset1, sum, withOffset)
}

/** out[4][8] = four tokens times a group of 8 rows; `x` is the first of the quad's records, one for each block. For codes of up to 7 bits. */
@inline export function gemmNarrow(kind: i32, group: usize, x: usize, blocks: i32, out: usize): void {
  const record = recordBytes(false, 4)
  const zeros = f32x4.splat(0)
  for (let i: usize = 0; i < 128; i += 16) v128.store(out + i, zeros)
  let d0 = zeros, d1 = zeros, n0 = zeros, n1 = zeros
  let p = group
  for (let b = 0; b < blocks; b++, p += blockBytes(kind), x += record) {
    if (superBytes(kind) > 0 && (b & 7) == 0) {
      const bits = halfMask(), bias = halfBias()
      d0 = f16Floats(p, bits, bias)
      d1 = f16Floats(p + 8, bits, bias)
      if (hasOffset(kind)) {
        n0 = f32x4.neg(f16Floats(p + 16, bits, bias))
        n1 = f32x4.neg(f16Floats(p + 24, bits, bias))
      }
      p += superBytes(kind)
    }
    if (kind == Q6_K) {
      // A pair sum is at most 254 · 63: i16 holds two of them.
      narrowSteps(kind, p, x, 0, 2, true, false, 0, out, d0, d1, n0, n1)
      narrowSteps(kind, p, x, 2, 4, true, false, 0, out, d0, d1, n0, n1)
      narrowSteps(kind, p, x, 0, 2, false, true, 1, out, d0, d1, n0, n1)
      narrowSteps(kind, p, x, 2, 4, false, true, 1, out, d0, d1, n0, n1)
    } else if (hasFifth(kind)) {
      // 254 · 31: four.
      narrowSteps(kind, p, x, 0, 2, true, true, 0, out, d0, d1, n0, n1)
      narrowSteps(kind, p, x, 2, 4, true, true, 0, out, d0, d1, n0, n1)
    } else narrowSteps(kind, p, x, 0, 4, true, true, 0, out, d0, d1, n0, n1)
  }
}

/** One quad of four tokens with codes widened to 16 bits: the columns 4·first … 4·last−1. */
@inline function wideQuad(kind: i32, codes: usize, x: usize, first: i32, last: i32, quad: i32, nibble: v128, mask: v128, out: usize, scale: v128, f: usize, zero: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  for (let t = first; t < last; t++) {
    const q0 = wideCodes(kind, codes, t, quad, 0, nibble, mask), q1 = wideCodes(kind, codes, t, quad, 1, nibble, mask)
    let xt = v128.load64_splat(x + 8 * t)
    a0 = i32x4.add(a0, dot16(xt, q0)), a1 = i32x4.add(a1, dot16(xt, q1))
    xt = v128.load64_splat(x + 8 * t, 64)
    b0 = i32x4.add(b0, dot16(xt, q0)), b1 = i32x4.add(b1, dot16(xt, q1))
    xt = v128.load64_splat(x + 8 * t, 128)
    c0 = i32x4.add(c0, dot16(xt, q0)), c1 = i32x4.add(c1, dot16(xt, q1))
    xt = v128.load64_splat(x + 8 * t, 192)
    d0 = i32x4.add(d0, dot16(xt, q0)), d1 = i32x4.add(d1, dot16(xt, q1))
  }
  finishWide(kind, out, addPairs(a0, a1), scale, f, zero)
  finishWide(kind, out + 32, addPairs(b0, b1), scale, f + 4, zero)
  finishWide(kind, out + 64, addPairs(c0, c1), scale, f + 8, zero)
  finishWide(kind, out + 96, addPairs(d0, d1), scale, f + 12, zero)
}

@inline function finishWide(kind: i32, out: usize, sums: v128, scale: v128, f: usize, zero: usize): void {
  if (zeroPoint(kind) > 0) sums = i32x4.add(sums, v128.load32_splat(f + 16 * zero))
  const s = v128.load32_splat(f + 16 * SCALE)
  add(out, sums, scale, s, s, s, false)
}

@inline function addOffset(out: usize, offset0: v128, offset1: v128, f: usize, sum: usize): void {
  for (let token: usize = 0; token < 4; token++) {
    const s = v128.load32_splat(f + 16 * sum + 4 * token)
    v128.store(out + 32 * token, fma(offset0, s, v128.load(out + 32 * token)))
    v128.store(out + 32 * token + 16, fma(offset1, s, v128.load(out + 32 * token + 16)))
  }
}

/** out[4][8] = four tokens times a group of 8 rows, codes widened to 16 bits; `x` is the first of the quad's records, one for each block. */
@inline export function gemmWide(kind: i32, group: usize, x: usize, blocks: i32, out: usize): void {
  const nibble = nibbleMask(), bits = halfMask(), bias = halfBias(), mask = highMask(kind == Q6_K ? 2 : 1)
  const record = recordBytes(true, 4)
  const zeros = f32x4.splat(0)
  for (let i: usize = 0; i < 128; i += 16) v128.store(out + i, zeros)
  let d0 = zeros, d1 = zeros, n0 = zeros, n1 = zeros
  let p = group
  for (let b = 0; b < blocks; b++, p += blockBytes(kind), x += record) {
    if (superBytes(kind) > 0 && (b & 7) == 0) {
      d0 = f16Floats(p, bits, bias)
      d1 = f16Floats(p + 8, bits, bias)
      if (hasOffset(kind)) {
        n0 = f32x4.neg(f16Floats(p + 16, bits, bias))
        n1 = f32x4.neg(f16Floats(p + 24, bits, bias))
      }
      p += superBytes(kind)
    }
    const codes = p + headBytes(kind), f = x + 256
    const scale0 = scaleOf(kind, p, 0, 0, d0, bits, bias), scale1 = scaleOf(kind, p, 1, 0, d1, bits, bias)
    if (hasHalves(kind)) {
      wideQuad(kind, codes, x, 0, 4, 0, nibble, mask, out, scale0, f, ZERO_LOW)
      wideQuad(kind, codes, x, 0, 4, 1, nibble, mask, out + 16, scale1, f, ZERO_LOW)
      wideQuad(kind, codes, x, 4, 8, 0, nibble, mask, out, scaleOf(kind, p, 0, 1, d0, bits, bias), f, ZERO_HIGH)
      wideQuad(kind, codes, x, 4, 8, 1, nibble, mask, out + 16, scaleOf(kind, p, 1, 1, d1, bits, bias), f, ZERO_HIGH)
    } else {
      wideQuad(kind, codes, x, 0, 8, 0, nibble, mask, out, scale0, f, ZERO)
      wideQuad(kind, codes, x, 0, 8, 1, nibble, mask, out + 16, scale1, f, ZERO)
    }
    if (hasOffset(kind)) {
      if (hasHalves(kind)) {
        addOffset(out, offsetOf(kind, p, 0, 0, n0, bits, bias), offsetOf(kind, p, 1, 0, n1, bits, bias), f, SUM_LOW)
        addOffset(out, offsetOf(kind, p, 0, 1, n0, bits, bias), offsetOf(kind, p, 1, 1, n1, bits, bias), f, SUM_HIGH)
      } else addOffset(out, offsetOf(kind, p, 0, 0, n0, bits, bias), offsetOf(kind, p, 1, 0, n1, bits, bias), f, SUM)
    }
  }
}
