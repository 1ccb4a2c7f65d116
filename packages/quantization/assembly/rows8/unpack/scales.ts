import { halfBias, halfMask } from '@tessera-llm/wasm/assembly/lib'
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
  zeroAt,
} from '../layout'
import { OFFSETS, PANEL_BYTES, SCALES } from '../panel'
import { offsetOf, scaleOf, sharedOffset, sharedScale } from '../scales'

// Scales and offsets of a group decoded to a panel: one function for each way to store them.

/** Decodes scales and offsets. A form without offsets gets −zero · scale as its offset. */
@inline
function unpackScales(form: i32, layout: usize, p: usize, blocks: i32, panel: usize): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const zeros = f32x4.splat(<f32>-zeroAt(layout))
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

export function scalesHalf(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(HALF, layout, p, blocks, panel)
}
export function scalesHalfOffset(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(HALF_OFFSET, layout, p, blocks, panel)
}
export function scalesU8Offset(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(U8_OFFSET, layout, p, blocks, panel)
}
export function scalesI8(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(I8, layout, p, blocks, panel)
}
export function scalesI8Halves(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(I8_HALVES, layout, p, blocks, panel)
}
export function scalesU8HalvesOffset(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(U8_HALVES_OFFSET, layout, p, blocks, panel)
}
export function scalesBrain(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(BRAIN, layout, p, blocks, panel)
}
export function scalesE4M3Halves(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(E4M3_HALVES, layout, p, blocks, panel)
}
export function scalesShared(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(SHARED, layout, p, blocks, panel)
}
export function scalesSharedOffset(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(SHARED_OFFSET, layout, p, blocks, panel)
}
export function scalesSharedHalf(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(SHARED_HALF, layout, p, blocks, panel)
}
export function scalesSharedHalfZero(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackScales(SHARED_HALF_ZERO, layout, p, blocks, panel)
}
