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
import { isShared, offsetOf, scaleOf, sharedOffset, sharedScale } from '../scales'

// Second pass of one token times a group of 8 rows: out[8] = scales · sums of blocks + offsets · Σ x. `p` is the
// group's first byte, `f` the fields of the first record. One function for each way to store scales.

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
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const bits = halfMask()
  const bias = halfBias()
  const none = f32x4.splat(0)
  let y0 = none
  let y1 = none
  let d0 = none
  let d1 = none
  let n0 = none
  let n1 = none
  for (let left = 0; blocks > 0; blocks--, p += block, f += record) {
    if (isShared(form)) {
      if (left == 0) {
        d0 = sharedScale(form, p, 0)
        d1 = sharedScale(form, p, 1)
        if (hasOffset(form)) {
          n0 = sharedOffset(form, p, 0)
          n1 = sharedOffset(form, p, 1)
        }
        p += superBytes
        left = superBlocks
      }
      left -= 1
    }
    const s = v128.load32_splat(f, 4 * SCALE)
    if (hasHalves(form)) {
      const zl = v128.load32_splat(f, 4 * ZERO_LOW)
      const zh = v128.load32_splat(f, 4 * ZERO_HIGH)
      const l0 = f32x4.convert_i32x4_s(i32x4.add(v128.load(sums), zl))
      const l1 = f32x4.convert_i32x4_s(i32x4.add(v128.load(sums, 16), zl))
      const h0 = f32x4.convert_i32x4_s(i32x4.add(v128.load(sums, 32), zh))
      const h1 = f32x4.convert_i32x4_s(i32x4.add(v128.load(sums, 48), zh))
      y0 = madd(
        madd(h0, scaleOf(form, p, 0, 1, d0, bits, bias), f32x4.mul(l0, scaleOf(form, p, 0, 0, d0, bits, bias))),
        s,
        y0,
      )
      y1 = madd(
        madd(h1, scaleOf(form, p, 1, 1, d1, bits, bias), f32x4.mul(l1, scaleOf(form, p, 1, 0, d1, bits, bias))),
        s,
        y1,
      )
      if (hasOffset(form)) {
        const sl = v128.load32_splat(f, 4 * SUM_LOW)
        const sh = v128.load32_splat(f, 4 * SUM_HIGH)
        y0 = madd(offsetOf(form, p, 0, 1, n0, bits, bias), sh, madd(offsetOf(form, p, 0, 0, n0, bits, bias), sl, y0))
        y1 = madd(offsetOf(form, p, 1, 1, n1, bits, bias), sh, madd(offsetOf(form, p, 1, 0, n1, bits, bias), sl, y1))
      }
      sums += 64
    } else {
      const z = v128.load32_splat(f, 4 * ZERO)
      y0 = madd(
        f32x4.convert_i32x4_s(i32x4.add(v128.load(sums), z)),
        f32x4.mul(s, scaleOf(form, p, 0, 0, d0, bits, bias)),
        y0,
      )
      y1 = madd(
        f32x4.convert_i32x4_s(i32x4.add(v128.load(sums, 16), z)),
        f32x4.mul(s, scaleOf(form, p, 1, 0, d1, bits, bias)),
        y1,
      )
      if (hasOffset(form)) {
        const sum = v128.load32_splat(f, 4 * SUM)
        y0 = madd(offsetOf(form, p, 0, 0, n0, bits, bias), sum, y0)
        y1 = madd(offsetOf(form, p, 1, 0, n1, bits, bias), sum, y1)
      }
      sums += 32
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
  finishToken(U8_OFFSET, layout, p, f, record, blocks, sums, out)
}
export function tokenI8(layout: usize, p: usize, f: usize, record: usize, blocks: i32, sums: usize, out: usize): void {
  finishToken(I8, layout, p, f, record, blocks, sums, out)
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
  finishToken(I8_HALVES, layout, p, f, record, blocks, sums, out)
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
  finishToken(U8_HALVES_OFFSET, layout, p, f, record, blocks, sums, out)
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
  finishToken(SHARED, layout, p, f, record, blocks, sums, out)
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
  finishToken(SHARED_OFFSET, layout, p, f, record, blocks, sums, out)
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
  finishToken(SHARED_HALF, layout, p, f, record, blocks, sums, out)
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
  finishToken(SHARED_HALF_ZERO, layout, p, f, record, blocks, sums, out)
}
