import { halfBias, halfMask, highMask, madd, nibbleMask } from '@tessera-llm/wasm/assembly/lib'
import { quantizeBlock, recordBytes, SCALE, SUM, ZERO, ZERO_HIGH, ZERO_LOW } from './activations'
import { hasFifth, highCodes, lowCodes, wideCodes } from './codes'
import { addPairs, f16Floats } from './lanes'
import { blockBytes, hasHalves, hasOffset, headBytes, isByte, Q6_K, superBytes, zeroPoint } from './layout'
import { offsetOf, scaleOf } from './scales'

/** 16 products of signed x and codes below 128, summed in pairs to i16. */
@inline export function dot8(x: v128, codes: v128): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return x
  return i16x8.relaxed_dot_i8x16_i7x16_s(x, codes)
}

/** 8 products of 16-bit values, summed in pairs to i32. */
@inline export function dot16(x: v128, codes: v128): v128 {
  return i32x4.dot_i16x8_s(x, codes)
}

/** The narrow form needs unsigned codes below 64 and relaxed SIMD; everything else widens to 16 bits. */
@inline export function isWide(kind: i32): bool {
  return !ASC_FEATURE_RELAXED_SIMD || isByte(kind)
}

/**
 * y[8] += one token times a group of 8 rows. `group` is the group's first block, `x` the token's first record;
 * the two result vectors go to `out`.
 */
@inline export function gemvGroup(kind: i32, group: usize, x: usize, blocks: i32, out: usize): void {
  const nibble = nibbleMask(), bits = halfMask(), bias = halfBias(), mask = highMask(kind == Q6_K ? 2 : 1)
  const wide = isWide(kind), record = recordBytes(wide, 1), fields = wide ? 64 : 32
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0)
  let d0 = y0, d1 = y0, n0 = y0, n1 = y0
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
    const codes = p + headBytes(kind), f = x + fields
    // Sums of the first and of the second half of the columns, for each quad.
    let l0 = nibble, l1 = nibble, h0 = nibble, h1 = nibble
    if (!wide) {
      let u0: v128 = nibble, u1: v128 = nibble, w0: v128 = nibble, w1: v128 = nibble
      if (hasFifth(kind) || kind == Q6_K) {
        u0 = v128.load(codes, 128)
        u1 = v128.load(codes, 144)
        w0 = kind == Q6_K ? v128.load(codes, 160) : u0
        w1 = kind == Q6_K ? v128.load(codes, 176) : u1
      }
      // Sums stay in i16 as long as its range allows: a pair sum is at most 254 · 15, 31 or 63, of which it holds 8, 4 or 2. Few of
      // them are alive at a time, so that all stay in registers.
      let c0 = v128.load(codes), c1 = v128.load(codes, 16), xt = v128.load32_splat(x)
      let a0 = dot8(xt, lowCodes(kind, c0, u0, 0, nibble, mask)), a1 = dot8(xt, lowCodes(kind, c1, u1, 0, nibble, mask))
      if (kind == Q6_K) {
        c0 = v128.load(codes, 32), c1 = v128.load(codes, 48), xt = v128.load32_splat(x, 4)
        a0 = i16x8.add(a0, dot8(xt, lowCodes(kind, c0, u0, 1, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, lowCodes(kind, c1, u1, 1, nibble, mask)))
        l0 = i32x4.extadd_pairwise_i16x8_s(a0), l1 = i32x4.extadd_pairwise_i16x8_s(a1)
        c0 = v128.load(codes, 64), c1 = v128.load(codes, 80), xt = v128.load32_splat(x, 8)
        a0 = dot8(xt, lowCodes(kind, c0, u0, 2, nibble, mask)), a1 = dot8(xt, lowCodes(kind, c1, u1, 2, nibble, mask))
        c0 = v128.load(codes, 96), c1 = v128.load(codes, 112), xt = v128.load32_splat(x, 12)
        a0 = i16x8.add(a0, dot8(xt, lowCodes(kind, c0, u0, 3, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, lowCodes(kind, c1, u1, 3, nibble, mask)))
        l0 = i32x4.add(l0, i32x4.extadd_pairwise_i16x8_s(a0)), l1 = i32x4.add(l1, i32x4.extadd_pairwise_i16x8_s(a1))
        xt = v128.load32_splat(x, 28)
        a0 = dot8(xt, highCodes(kind, c0, w0, 3, nibble, mask)), a1 = dot8(xt, highCodes(kind, c1, w1, 3, nibble, mask))
        c0 = v128.load(codes, 64), c1 = v128.load(codes, 80), xt = v128.load32_splat(x, 24)
        a0 = i16x8.add(a0, dot8(xt, highCodes(kind, c0, w0, 2, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, highCodes(kind, c1, w1, 2, nibble, mask)))
        h0 = i32x4.extadd_pairwise_i16x8_s(a0), h1 = i32x4.extadd_pairwise_i16x8_s(a1)
        c0 = v128.load(codes, 32), c1 = v128.load(codes, 48), xt = v128.load32_splat(x, 20)
        a0 = dot8(xt, highCodes(kind, c0, w0, 1, nibble, mask)), a1 = dot8(xt, highCodes(kind, c1, w1, 1, nibble, mask))
        c0 = v128.load(codes, 0), c1 = v128.load(codes, 16), xt = v128.load32_splat(x, 16)
        a0 = i16x8.add(a0, dot8(xt, highCodes(kind, c0, w0, 0, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, highCodes(kind, c1, w1, 0, nibble, mask)))
        h0 = i32x4.add(h0, i32x4.extadd_pairwise_i16x8_s(a0)), h1 = i32x4.add(h1, i32x4.extadd_pairwise_i16x8_s(a1))
      } else {
        xt = v128.load32_splat(x, 16)
        a0 = i16x8.add(a0, dot8(xt, highCodes(kind, c0, w0, 0, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, highCodes(kind, c1, w1, 0, nibble, mask)))
        c0 = v128.load(codes, 32), c1 = v128.load(codes, 48), xt = v128.load32_splat(x, 4)
        a0 = i16x8.add(a0, dot8(xt, lowCodes(kind, c0, u0, 1, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, lowCodes(kind, c1, u1, 1, nibble, mask)))
        xt = v128.load32_splat(x, 20)
        a0 = i16x8.add(a0, dot8(xt, highCodes(kind, c0, w0, 1, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, highCodes(kind, c1, w1, 1, nibble, mask)))
        if (hasFifth(kind)) {
          l0 = i32x4.extadd_pairwise_i16x8_s(a0), l1 = i32x4.extadd_pairwise_i16x8_s(a1)
          a0 = i16x8.splat(0), a1 = a0
        }
        c0 = v128.load(codes, 64), c1 = v128.load(codes, 80), xt = v128.load32_splat(x, 8)
        a0 = i16x8.add(a0, dot8(xt, lowCodes(kind, c0, u0, 2, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, lowCodes(kind, c1, u1, 2, nibble, mask)))
        xt = v128.load32_splat(x, 24)
        a0 = i16x8.add(a0, dot8(xt, highCodes(kind, c0, w0, 2, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, highCodes(kind, c1, w1, 2, nibble, mask)))
        c0 = v128.load(codes, 96), c1 = v128.load(codes, 112), xt = v128.load32_splat(x, 12)
        a0 = i16x8.add(a0, dot8(xt, lowCodes(kind, c0, u0, 3, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, lowCodes(kind, c1, u1, 3, nibble, mask)))
        xt = v128.load32_splat(x, 28)
        a0 = i16x8.add(a0, dot8(xt, highCodes(kind, c0, w0, 3, nibble, mask))), a1 = i16x8.add(a1, dot8(xt, highCodes(kind, c1, w1, 3, nibble, mask)))
        if (hasFifth(kind)) l0 = i32x4.add(l0, i32x4.extadd_pairwise_i16x8_s(a0)), l1 = i32x4.add(l1, i32x4.extadd_pairwise_i16x8_s(a1))
        else l0 = i32x4.extadd_pairwise_i16x8_s(a0), l1 = i32x4.extadd_pairwise_i16x8_s(a1)
        h0 = l0, h1 = l1
      }
    } else {
      // Lanes hold two column pairs of two rows: a quad takes two vectors, joined by addPairs.
      let xt = v128.load64_splat(x)
      let a0 = dot16(xt, wideCodes(kind, codes, 0, 0, 0, nibble, mask)), b0 = dot16(xt, wideCodes(kind, codes, 0, 0, 1, nibble, mask))
      let a1 = dot16(xt, wideCodes(kind, codes, 0, 1, 0, nibble, mask)), b1 = dot16(xt, wideCodes(kind, codes, 0, 1, 1, nibble, mask))
      xt = v128.load64_splat(x, 8)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 1, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 1, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 1, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 1, 1, 1, nibble, mask)))
      xt = v128.load64_splat(x, 16)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 2, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 2, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 2, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 2, 1, 1, nibble, mask)))
      xt = v128.load64_splat(x, 24)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 3, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 3, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 3, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 3, 1, 1, nibble, mask)))
      l0 = a0, l1 = a1
      if (hasHalves(kind)) {
        l0 = addPairs(a0, b0), l1 = addPairs(a1, b1)
        a0 = i32x4.splat(0), b0 = a0, a1 = a0, b1 = a0
      }
      xt = v128.load64_splat(x, 32)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 4, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 4, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 4, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 4, 1, 1, nibble, mask)))
      xt = v128.load64_splat(x, 40)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 5, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 5, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 5, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 5, 1, 1, nibble, mask)))
      xt = v128.load64_splat(x, 48)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 6, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 6, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 6, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 6, 1, 1, nibble, mask)))
      xt = v128.load64_splat(x, 56)
      a0 = i32x4.add(a0, dot16(xt, wideCodes(kind, codes, 7, 0, 0, nibble, mask))), b0 = i32x4.add(b0, dot16(xt, wideCodes(kind, codes, 7, 0, 1, nibble, mask)))
      a1 = i32x4.add(a1, dot16(xt, wideCodes(kind, codes, 7, 1, 0, nibble, mask))), b1 = i32x4.add(b1, dot16(xt, wideCodes(kind, codes, 7, 1, 1, nibble, mask)))
      h0 = addPairs(a0, b0), h1 = addPairs(a1, b1)
      if (!hasHalves(kind)) l0 = h0, l1 = h1
    }
    if (zeroPoint(kind) > 0) {
      if (hasHalves(kind)) {
        const zl = v128.load32_splat(f, 4 * ZERO_LOW), zh = v128.load32_splat(f, 4 * ZERO_HIGH)
        l0 = i32x4.add(l0, zl), l1 = i32x4.add(l1, zl), h0 = i32x4.add(h0, zh), h1 = i32x4.add(h1, zh)
      } else {
        const z = v128.load32_splat(f, 4 * ZERO)
        l0 = i32x4.add(l0, z), l1 = i32x4.add(l1, z)
      }
    }
    const s = v128.load32_splat(f, 4 * SCALE)
    if (hasHalves(kind)) {
      const t0 = madd(f32x4.convert_i32x4_s(h0), scaleOf(kind, p, 0, 1, d0, bits, bias), f32x4.mul(f32x4.convert_i32x4_s(l0), scaleOf(kind, p, 0, 0, d0, bits, bias)))
      const t1 = madd(f32x4.convert_i32x4_s(h1), scaleOf(kind, p, 1, 1, d1, bits, bias), f32x4.mul(f32x4.convert_i32x4_s(l1), scaleOf(kind, p, 1, 0, d1, bits, bias)))
      y0 = madd(t0, s, y0)
      y1 = madd(t1, s, y1)
    } else {
      y0 = madd(f32x4.convert_i32x4_s(l0), f32x4.mul(s, scaleOf(kind, p, 0, 0, d0, bits, bias)), y0)
      y1 = madd(f32x4.convert_i32x4_s(l1), f32x4.mul(s, scaleOf(kind, p, 1, 0, d1, bits, bias)), y1)
      if (hasOffset(kind)) {
        const sum = v128.load32_splat(f, 4 * SUM)
        y0 = madd(offsetOf(kind, p, 0, n0, bits, bias), sum, y0)
        y1 = madd(offsetOf(kind, p, 1, n1, bits, bias), sum, y1)
      }
    }
  }
  v128.store(out, y0)
  v128.store(out, y1, 16)
}
