import { halfBias, halfMask } from '@tessera-llm/wasm/assembly/lib'
import {
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
  U8_HALVES_OFFSET,
  U8_OFFSET,
} from '../layout'
import { OFFSETS, PANEL_BYTES, SCALES } from '../panel'
import { offsetOf, scaleOf, sharedOffset, sharedScale } from '../scales'

// Scales and offsets of a group decoded to a panel: one function for each way to store them.

/** Decodes scales and offsets. A form without offsets gets −zero · scale as its offset. */
@inline
function unpackScales(
  form: i32,
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  const zeros = f32x4.splat(<f32>-zero)
  const bits = halfMask()
  const bias = halfBias()
  const none = f32x4.splat(0)
  const parts = hasHalves(form) ? 2 : 1
  for (let quad = 0; quad < 2; quad++, panel += 16) {
    let d = none
    let n = none
    for (let b = 0, left = 0, from = p, to = panel; b < blocks; b++, from += block, to += PANEL_BYTES) {
      if (left == 0) {
        if (superBytes > 0) {
          d = sharedScale(form, from, quad)
          n = sharedOffset(form, from, quad)
        }
        from += superBytes
        left = superBlocks
      }
      left -= 1
      for (let half = 0; half < parts; half++) {
        const scale =
          half == 0 ? scaleOf(form, from, quad, 0, d, bits, bias) : scaleOf(form, from, quad, 1, d, bits, bias)
        v128.store(to + SCALES + 32 * half, scale)
        v128.store(
          to + OFFSETS + 32 * half,
          !hasOffset(form)
            ? f32x4.mul(scale, zeros)
            : half == 0
              ? offsetOf(form, from, quad, 0, n, bits, bias)
              : offsetOf(form, from, quad, 1, n, bits, bias),
        )
      }
    }
  }
}

export function scalesHalf(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(HALF, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesHalfOffset(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(HALF_OFFSET, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesU8Offset(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(U8_OFFSET, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesI8(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(I8, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesI8Halves(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(I8_HALVES, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesU8HalvesOffset(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(U8_HALVES_OFFSET, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesBrain(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(BRAIN, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesE4M3Halves(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(E4M3_HALVES, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesShared(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(SHARED, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesSharedOffset(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(SHARED_OFFSET, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesSharedHalf(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(SHARED_HALF, p, blocks, block, superBytes, superBlocks, zero, panel)
}
export function scalesSharedHalfZero(
  p: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  zero: i32,
  panel: usize,
): void {
  unpackScales(SHARED_HALF_ZERO, p, blocks, block, superBytes, superBlocks, zero, panel)
}
