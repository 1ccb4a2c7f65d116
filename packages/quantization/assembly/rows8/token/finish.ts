import { halfBias, halfMask, madd } from '@tessera-llm/wasm/assembly/lib'
import { SCALE, SUM, SUM_HIGH, SUM_LOW, ZERO, ZERO_HIGH, ZERO_LOW } from '../activations'
import {
  blockBytesAt,
  BRAIN,
  E4M3_HALVES,
  HALF,
  HALF_OFFSET,
  hasHalves,
  hasOffset,
  I8,
  I8_HALVES,
  SHARED,
  SHARED_HALF,
  SHARED_HALF_ZERO,
  SHARED_OFFSET,
  superBlocksAt,
  superBytesAt,
  U8_HALVES_OFFSET,
  U8_OFFSET,
} from '../layout'
import { i16Floats } from '../lanes'
import { offsetOf, scaleOf, sharedOffset, sharedScale } from '../scales'

// Second pass of one token times a group of 8 rows: out[8] = scales · sums of blocks + offsets · Σ x. `p` is the
// group's first byte, `f` the fields of the first record. One function for each way to store scales.

/** Whether codes have a zero: weights with offsets have none, but that of codes of 8 bits that were made unsigned. */
@inline
function hasZero(form: i32): bool {
  return !hasOffset(form) || form == SHARED_OFFSET
}

/** Sums of a block or of its half, less the zero, as f32. */
@inline
function floatSums(form: i32, sums: usize, f: usize, zero: usize): v128 {
  const sum = v128.load(sums)
  return f32x4.convert_i32x4_s(hasZero(form) ? i32x4.add(sum, v128.load32_splat(f + 4 * zero)) : sum)
}

/** Scales that each block has of its own. */
@inline
function finishToken(
  form: i32,
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  const block = blockBytesAt(layout)
  const bits = halfMask()
  const bias = halfBias()
  const none = f32x4.splat(0)
  let y0 = none
  let y1 = none
  for (; blocks > 0; blocks--, p += block, f += record) {
    const s = v128.load32_splat(f, 4 * SCALE)
    const l0 = floatSums(form, sums, f, hasHalves(form) ? ZERO_LOW : ZERO)
    const l1 = floatSums(form, sums + 16, f, hasHalves(form) ? ZERO_LOW : ZERO)
    if (hasHalves(form)) {
      const h0 = floatSums(form, sums + 32, f, ZERO_HIGH)
      const h1 = floatSums(form, sums + 48, f, ZERO_HIGH)
      y0 = madd(
        madd(h0, scaleOf(form, p, 0, 1, none, bits, bias), f32x4.mul(l0, scaleOf(form, p, 0, 0, none, bits, bias))),
        s,
        y0,
      )
      y1 = madd(
        madd(h1, scaleOf(form, p, 1, 1, none, bits, bias), f32x4.mul(l1, scaleOf(form, p, 1, 0, none, bits, bias))),
        s,
        y1,
      )
      sums += 64
    } else {
      y0 = madd(l0, f32x4.mul(s, scaleOf(form, p, 0, 0, none, bits, bias)), y0)
      y1 = madd(l1, f32x4.mul(s, scaleOf(form, p, 1, 0, none, bits, bias)), y1)
      if (hasOffset(form)) {
        const sum = v128.load32_splat(f, 4 * SUM)
        y0 = madd(offsetOf(form, p, 0, 0, none, bits, bias), sum, y0)
        y1 = madd(offsetOf(form, p, 1, 0, none, bits, bias), sum, y1)
      }
      sums += 32
    }
  }
  v128.store(out, y0)
  v128.store(out, y1, 16)
}

/** Scales that blocks share, alone or times a byte of each block: what is shared is multiplied once. */
@inline
function finishShared(
  form: i32,
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const signed = form == I8 || form == I8_HALVES
  const bytes = signed || form == U8_OFFSET || form == U8_HALVES_OFFSET
  const none = f32x4.splat(0)
  let y0 = none
  let y1 = none
  while (blocks > 0) {
    const shared = p
    p += superBytes
    let left = min(blocks, superBlocks)
    blocks -= left
    let t0 = none
    let t1 = none
    let o0 = none
    let o1 = none
    for (; left > 0; left--, p += block, f += record) {
      const s = v128.load32_splat(f, 4 * SCALE)
      let l0 = floatSums(form, sums, f, hasHalves(form) ? ZERO_LOW : ZERO)
      let l1 = floatSums(form, sums + 16, f, hasHalves(form) ? ZERO_LOW : ZERO)
      if (bytes) {
        const scales = signed ? v128.load8x8_s(p) : v128.load8x8_u(p)
        l0 = f32x4.mul(l0, i16Floats(scales, 0))
        l1 = f32x4.mul(l1, i16Floats(scales, 1))
      }
      if (hasHalves(form)) {
        const scales = signed ? v128.load8x8_s(p, 8) : v128.load8x8_u(p, 8)
        l0 = madd(floatSums(form, sums + 32, f, ZERO_HIGH), i16Floats(scales, 0), l0)
        l1 = madd(floatSums(form, sums + 48, f, ZERO_HIGH), i16Floats(scales, 1), l1)
      }
      t0 = madd(l0, s, t0)
      t1 = madd(l1, s, t1)
      if (hasOffset(form)) {
        const sum = v128.load32_splat(f + 4 * (hasHalves(form) ? SUM_LOW : SUM))
        if (bytes) {
          const minimums = hasHalves(form) ? v128.load8x8_u(p, 16) : v128.load8x8_u(p, 8)
          o0 = madd(i16Floats(minimums, 0), sum, o0)
          o1 = madd(i16Floats(minimums, 1), sum, o1)
        } else o0 = f32x4.add(o0, sum)
      }
      if (hasHalves(form) && hasOffset(form)) {
        const sum = v128.load32_splat(f, 4 * SUM_HIGH)
        const minimums = v128.load8x8_u(p, 24)
        o0 = madd(i16Floats(minimums, 0), sum, o0)
        o1 = madd(i16Floats(minimums, 1), sum, o1)
      }
      sums += hasHalves(form) ? 64 : 32
    }
    y0 = madd(t0, sharedScale(form, shared, 0), y0)
    y1 = madd(t1, sharedScale(form, shared, 1), y1)
    if (hasOffset(form)) {
      y0 = madd(o0, sharedOffset(form, shared, 0), y0)
      y1 = madd(bytes ? o1 : o0, sharedOffset(form, shared, 1), y1)
    }
  }
  v128.store(out, y0)
  v128.store(out, y1, 16)
}

export function tokenHalf(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishToken(HALF, layout, p, f, record, blocks, sums, out)
}
export function tokenHalfOffset(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishToken(HALF_OFFSET, layout, p, f, record, blocks, sums, out)
}
export function tokenU8Offset(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(U8_OFFSET, layout, p, f, record, blocks, sums, out)
}
export function tokenI8(layout: usize, p: usize, f: usize, record: usize, blocks: i32, sums: usize, out: usize): void {
  finishShared(I8, layout, p, f, record, blocks, sums, out)
}
export function tokenI8Halves(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(I8_HALVES, layout, p, f, record, blocks, sums, out)
}
export function tokenU8HalvesOffset(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(U8_HALVES_OFFSET, layout, p, f, record, blocks, sums, out)
}
export function tokenBrain(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishToken(BRAIN, layout, p, f, record, blocks, sums, out)
}
export function tokenE4M3Halves(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishToken(E4M3_HALVES, layout, p, f, record, blocks, sums, out)
}
export function tokenShared(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(SHARED, layout, p, f, record, blocks, sums, out)
}
export function tokenSharedOffset(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(SHARED_OFFSET, layout, p, f, record, blocks, sums, out)
}
export function tokenSharedHalf(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(SHARED_HALF, layout, p, f, record, blocks, sums, out)
}
export function tokenSharedHalfZero(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  finishShared(SHARED_HALF_ZERO, layout, p, f, record, blocks, sums, out)
}
