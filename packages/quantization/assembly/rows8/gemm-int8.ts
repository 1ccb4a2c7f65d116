import { halfBias, halfMask, highMask, madd, nibbleMask } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes, SCALE, SUM, ZERO, ZERO_HIGH, ZERO_LOW } from './activations'
import { byteCodes, hasFifth, highCodes, lowCodes } from './codes'
import { dot16, dot8, isWide } from './gemv-int8'
import { f16Floats } from './lanes'
import { blockBytes, hasHalves, hasOffset, headBytes, Q6_K, superBytes, zeroPoint } from './layout'
import { offsetOf, scaleOf } from './scales'

// Several tokens times a group of 8 rows. The group is decoded once, to a panel in the first-level cache, and meets four tokens at a
// time: 8 sums, which is what registers hold. The f32 results lie at `out` (token by token, two vectors each).
//
// A panel has for each block of 32 columns: the codes, in vectors of 4 rows × 4 columns (bytes) or 4 rows × 2 columns (i16, where codes
// do not fit 7 bits or there is no relaxed SIMD), quad 0 and quad 1 in turn; f32 scales of 8 rows, one set or two; f32 offsets, of
// kinds that have them.

@inline function codeBytes(kind: i32): i32 {
  return isWide(kind) ? 512 : 256
}

@inline function scaleSets(kind: i32): i32 {
  return hasHalves(kind) ? 2 : 1
}

/** Bytes of a panel for one block of 32 columns. */
@inline export function panelBlockBytes(kind: i32): i32 {
  return codeBytes(kind) + 32 * (scaleSets(kind) + (hasOffset(kind) ? 1 : 0))
}

/** Decodes a group of 8 rows into a panel. */
@inline export function unpackGroup(kind: i32, group: usize, blocks: i32, panel: usize): void {
  const bits = halfMask(), bias = halfBias(), nibble = nibbleMask(), mask = highMask(kind == Q6_K ? 2 : 1)
  const zeros = f32x4.splat(0)
  let d0 = zeros, d1 = zeros, n0 = zeros, n1 = zeros
  let p = group
  for (let b = 0; b < blocks; b++, p += blockBytes(kind), panel += panelBlockBytes(kind)) {
    if (superBytes(kind) > 0 && (b & 7) == 0) {
      d0 = f16Floats(p, bits, bias)
      d1 = f16Floats(p + 8, bits, bias)
      if (hasOffset(kind)) {
        n0 = f32x4.neg(f16Floats(p + 16, bits, bias))
        n1 = f32x4.neg(f16Floats(p + 24, bits, bias))
      }
      p += superBytes(kind)
    }
    unpackCodes(kind, p + headBytes(kind), panel, nibble, mask)
    const scales = panel + codeBytes(kind), offsets = scales + 32 * scaleSets(kind)
    for (let half = 0; half < scaleSets(kind); half++) {
      v128.store(scales + 32 * half, half == 0 ? scaleOf(kind, p, 0, 0, d0, bits, bias) : scaleOf(kind, p, 0, 1, d0, bits, bias))
      v128.store(scales + 32 * half, half == 0 ? scaleOf(kind, p, 1, 0, d1, bits, bias) : scaleOf(kind, p, 1, 1, d1, bits, bias), 16)
    }
    if (hasOffset(kind)) {
      v128.store(offsets, offsetOf(kind, p, 0, n0, bits, bias))
      v128.store(offsets, offsetOf(kind, p, 1, n1, bits, bias), 16)
    }
  }
}

@inline function unpackCodes(kind: i32, codes: usize, to: usize, nibble: v128, mask: v128): void {
  if (isWide(kind)) {
    for (let quad = 0; quad < 2; quad++) {
      for (let t = 0; t < 8; t++) {
        // Columns 0 and 1 of all rows, then columns 2 and 3.
        const bytes = byteCodes(kind, codes, t, quad, nibble, mask)
        const pairs = i8x16.shuffle(bytes, bytes, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15)
        v128.store(to + 64 * t + 16 * quad, i16x8.extend_low_i8x16_s(pairs))
        v128.store(to + 64 * t + 32 + 16 * quad, i16x8.extend_high_i8x16_s(pairs))
      }
    }
    return
  }
  for (let quad = 0; quad < 2; quad++) {
    const at = codes + 16 * quad
    const low = hasFifth(kind) || kind == Q6_K ? v128.load(at, 128) : nibble, high = kind == Q6_K ? v128.load(at, 160) : low
    for (let t = 0; t < 4; t++) {
      const v = v128.load(at + 32 * t)
      v128.store(to + 32 * t + 16 * quad, lowCodes(kind, v, low, t, nibble, mask))
      v128.store(to + 128 + 32 * t + 16 * quad, highCodes(kind, v, high, t, nibble, mask))
    }
  }
}

/** Steps t = first … last−1 for the four tokens of the record at x. No more of them than i16 sums can hold. */
@inline function narrowSteps(kind: i32, codes: usize, x: usize, first: i32, last: i32, out: usize): void {
  let a0 = i16x8.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  const end = codes + 32 * last
  let r = x + 4 * first
  for (let p = codes + 32 * first; p < end; p += 32, r += 4) {
    const q0 = v128.load(p), q1 = v128.load(p, 16)
    let xt = v128.load32_splat(r)
    a0 = i16x8.add(a0, dot8(xt, q0)), a1 = i16x8.add(a1, dot8(xt, q1))
    xt = v128.load32_splat(r, 32)
    b0 = i16x8.add(b0, dot8(xt, q0)), b1 = i16x8.add(b1, dot8(xt, q1))
    xt = v128.load32_splat(r, 64)
    c0 = i16x8.add(c0, dot8(xt, q0)), c1 = i16x8.add(c1, dot8(xt, q1))
    xt = v128.load32_splat(r, 96)
    d0 = i16x8.add(d0, dot8(xt, q0)), d1 = i16x8.add(d1, dot8(xt, q1))
  }
  const half = first >= 4 && hasHalves(kind) ? 1 : 0
  const scales = codes + 256 + 32 * half
  finishNarrow(kind, out, a0, a1, scales, x + 128, first, half)
  finishNarrow(kind, out + 32, b0, b1, scales, x + 132, first, half)
  finishNarrow(kind, out + 64, c0, c1, scales, x + 136, first, half)
  finishNarrow(kind, out + 96, d0, d1, scales, x + 140, first, half)
}

/** Widens one token's sums and adds them; `f` is the token's first field. The zero point counts once for each scale, with its first steps, and the offset likewise. */
@inline function finishNarrow(kind: i32, out: usize, low0: v128, low1: v128, scales: usize, f: usize, first: i32, half: i32): void {
  let s0 = i32x4.extadd_pairwise_i16x8_s(low0), s1 = i32x4.extadd_pairwise_i16x8_s(low1)
  if (zeroPoint(kind) > 0 && (first == 0 || (hasHalves(kind) && first == 4))) {
    const zero = v128.load32_splat(f + 16 * (hasHalves(kind) ? (half == 0 ? ZERO_LOW : ZERO_HIGH) : ZERO))
    s0 = i32x4.add(s0, zero), s1 = i32x4.add(s1, zero)
  }
  const s = v128.load32_splat(f + 16 * SCALE)
  let y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(v128.load(scales), s), v128.load(out))
  let y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(v128.load(scales, 16), s), v128.load(out, 16))
  if (hasOffset(kind) && first == 0) {
    const sum = v128.load32_splat(f + 16 * SUM)
    y0 = madd(v128.load(scales, 32), sum, y0)
    y1 = madd(v128.load(scales, 48), sum, y1)
  }
  v128.store(out, y0)
  v128.store(out, y1, 16)
}

/** Steps of two columns first … last−1 for the four tokens of the record at x, codes of 16 bits. */
@inline function wideSteps(kind: i32, codes: usize, x: usize, first: i32, last: i32, out: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  const end = codes + 32 * last
  let r = x + 4 * first
  for (let p = codes + 32 * first; p < end; p += 32, r += 4) {
    const q0 = v128.load(p), q1 = v128.load(p, 16)
    let xt = v128.load32_splat(r)
    a0 = i32x4.add(a0, dot16(xt, q0)), a1 = i32x4.add(a1, dot16(xt, q1))
    xt = v128.load32_splat(r, 64)
    b0 = i32x4.add(b0, dot16(xt, q0)), b1 = i32x4.add(b1, dot16(xt, q1))
    xt = v128.load32_splat(r, 128)
    c0 = i32x4.add(c0, dot16(xt, q0)), c1 = i32x4.add(c1, dot16(xt, q1))
    xt = v128.load32_splat(r, 192)
    d0 = i32x4.add(d0, dot16(xt, q0)), d1 = i32x4.add(d1, dot16(xt, q1))
  }
  const half = first >= 8 && hasHalves(kind) ? 1 : 0
  const scales = codes + 512 + 32 * half
  finishWide(kind, out, a0, a1, scales, x + 256, half)
  finishWide(kind, out + 32, b0, b1, scales, x + 260, half)
  finishWide(kind, out + 64, c0, c1, scales, x + 264, half)
  finishWide(kind, out + 96, d0, d1, scales, x + 268, half)
}

@inline function finishWide(kind: i32, out: usize, s0: v128, s1: v128, scales: usize, f: usize, half: i32): void {
  if (zeroPoint(kind) > 0) {
    const zero = v128.load32_splat(f + 16 * (hasHalves(kind) ? (half == 0 ? ZERO_LOW : ZERO_HIGH) : ZERO))
    s0 = i32x4.add(s0, zero), s1 = i32x4.add(s1, zero)
  }
  const s = v128.load32_splat(f + 16 * SCALE)
  v128.store(out, madd(f32x4.convert_i32x4_s(s0), f32x4.mul(v128.load(scales), s), v128.load(out)))
  v128.store(out, madd(f32x4.convert_i32x4_s(s1), f32x4.mul(v128.load(scales, 16), s), v128.load(out, 16)), 16)
}

/** out += offset · (scale · Σ q) for four tokens. */
@inline function addOffsets(offsets: usize, f: usize, out: usize): void {
  const offset0 = v128.load(offsets), offset1 = v128.load(offsets, 16)
  for (let token: usize = 0; token < 4; token++) {
    const s = v128.load32_splat(f + 16 * SUM + 4 * token), to = out + 32 * token
    v128.store(to, madd(offset0, s, v128.load(to)))
    v128.store(to, madd(offset1, s, v128.load(to, 16)), 16)
  }
}

/** out[4][8] = four tokens times the panel of a group; `x` is the first of the quad's records, one for each block. */
@inline export function gemmTile(kind: i32, panel: usize, x: usize, blocks: i32, out: usize): void {
  const record = recordBytes(isWide(kind), 4), zeros = f32x4.splat(0)
  for (let i: usize = 0; i < 128; i += 16) v128.store(out + i, zeros)
  for (let b = 0; b < blocks; b++, panel += panelBlockBytes(kind), x += record) {
    if (isWide(kind)) {
      if (hasHalves(kind)) {
        wideSteps(kind, panel, x, 0, 8, out)
        wideSteps(kind, panel, x, 8, 16, out)
      } else wideSteps(kind, panel, x, 0, 16, out)
    } else if (kind == Q6_K) {
      // A pair sum is at most 254 · 63: i16 holds two of them.
      narrowSteps(kind, panel, x, 0, 2, out)
      narrowSteps(kind, panel, x, 2, 4, out)
      narrowSteps(kind, panel, x, 4, 6, out)
      narrowSteps(kind, panel, x, 6, 8, out)
    } else if (hasFifth(kind)) {
      // 254 · 31: four.
      narrowSteps(kind, panel, x, 0, 4, out)
      narrowSteps(kind, panel, x, 4, 8, out)
    } else narrowSteps(kind, panel, x, 0, 8, out)
    if (hasOffset(kind) && isWide(kind)) addOffsets(panel + codeBytes(kind) + 32 * scaleSets(kind), x + 256, out)
  }
}
