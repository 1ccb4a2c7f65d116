import { halfBias, halfMask, highMask, madd, nibbleMask } from '@tessera-llm/wasm/assembly/lib'
import { hasFifth, highCodes, lowCodes } from './codes'
import { f16Floats } from './lanes'
import { blockBytes, hasHalves, hasOffset, headBytes, isByte, Q6_K, superBytes, zeroPoint } from './layout'
import { offsetOf, scaleOf } from './scales'

/** Byte c of each lane as f32, unsigned or signed. */
@inline function byteFloats(v: v128, c: i32, signed: bool): v128 {
  const codes = signed ? i32x4.shr_s(i32x4.shl(v, 24 - 8 * c), 24) : v128.and(i32x4.shr_u(v, 8 * c), i32x4.splat(255))
  return f32x4.convert_i32x4_s(codes)
}

/** Four columns of a quad: value = scale · (code − zero) + offset, to `to`, `to + 32`, … */
@inline function spread(kind: i32, v: v128, scale: v128, offset: v128, to: usize): void {
  const signed = isByte(kind)
  if (zeroPoint(kind) > 0 || hasOffset(kind)) {
    v128.store(to, madd(byteFloats(v, 0, signed), scale, offset))
    v128.store(to, madd(byteFloats(v, 1, signed), scale, offset), 32)
    v128.store(to, madd(byteFloats(v, 2, signed), scale, offset), 64)
    v128.store(to, madd(byteFloats(v, 3, signed), scale, offset), 96)
  } else {
    v128.store(to, f32x4.mul(byteFloats(v, 0, signed), scale))
    v128.store(to, f32x4.mul(byteFloats(v, 1, signed), scale), 32)
    v128.store(to, f32x4.mul(byteFloats(v, 2, signed), scale), 64)
    v128.store(to, f32x4.mul(byteFloats(v, 3, signed), scale), 96)
  }
}

@inline function spreadQuad(kind: i32, p: usize, codes: usize, quad: i32, d: v128, n: v128, to: usize): void {
  const nibble = nibbleMask(), bits = halfMask(), bias = halfBias(), mask = highMask(kind == Q6_K ? 2 : 1)
  const scale0 = scaleOf(kind, p, quad, 0, d, bits, bias)
  const scale1 = hasHalves(kind) ? scaleOf(kind, p, quad, 1, d, bits, bias) : scale0
  let offset0 = scale0, offset1 = scale0
  if (hasOffset(kind)) {
    offset0 = offsetOf(kind, p, quad, n, bits, bias)
    offset1 = offset0
  } else if (zeroPoint(kind) > 0) {
    const zero = f32x4.splat(<f32>-zeroPoint(kind))
    offset0 = f32x4.mul(scale0, zero)
    offset1 = f32x4.mul(scale1, zero)
  }
  if (isByte(kind)) {
    for (let t = 0; t < 4; t++) spread(kind, v128.load(codes + 32 * t), scale0, offset0, to + 128 * t)
    for (let t = 4; t < 8; t++) spread(kind, v128.load(codes + 32 * t), scale1, offset1, to + 128 * t)
    return
  }
  const high = hasFifth(kind) || kind == Q6_K ? v128.load(codes, 128) : nibble
  const upper = kind == Q6_K ? v128.load(codes, 160) : high
  for (let t = 0; t < 4; t++) {
    const v = v128.load(codes + 32 * t)
    spread(kind, lowCodes(kind, v, high, t, nibble, mask), scale0, offset0, to + 128 * t)
    spread(kind, highCodes(kind, v, upper, t, nibble, mask), scale1, offset1, to + 512 + 128 * t)
  }
}

/** f32 [K][8] of a group of 8 rows, for the exact product. */
@inline export function layPanel(kind: i32, group: usize, blocks: i32, panel: usize): void {
  const bits = halfMask(), bias = halfBias()
  let d0 = f32x4.splat(0), d1 = d0, n0 = d0, n1 = d0
  let p = group
  for (let b = 0; b < blocks; b++, p += blockBytes(kind), panel += 1024) {
    if (superBytes(kind) > 0 && (b & 7) == 0) {
      d0 = f16Floats(p, bits, bias)
      d1 = f16Floats(p + 8, bits, bias)
      if (hasOffset(kind)) {
        n0 = f32x4.neg(f16Floats(p + 16, bits, bias))
        n1 = f32x4.neg(f16Floats(p + 24, bits, bias))
      }
      p += superBytes(kind)
    }
    const codes = p + headBytes(kind)
    spreadQuad(kind, p, codes, 0, d0, n0, panel)
    spreadQuad(kind, p, codes + 16, 1, d1, n1, panel + 16)
  }
}
