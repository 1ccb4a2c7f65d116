import { halfBias, halfMask } from '@tessera-llm/wasm/assembly/lib'
import { highConstant, lowConstant, unpackBlock } from './codes'
import {
  blockBytesAt,
  codesAt,
  formAt,
  hasHalves,
  hasOffset,
  headBytesAt,
  superBlocksAt,
  superBytesAt,
  zeroAt,
  BYTES,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
  E2M1,
  IQ4,
  CRUMBS,
  CRUMBS_1,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  E4M3,
  E5M2,
  HALF,
  HALF_OFFSET,
  U8_OFFSET,
  I8,
  I8_HALVES,
  U8_HALVES_OFFSET,
  BRAIN,
  E4M3_HALVES,
  SHARED,
  SHARED_OFFSET,
} from './layout'
import { OFFSETS, PANEL_BYTES, SCALES } from './panel'
import { offsetOf, scaleOf, sharedOffset, sharedScale } from './scales'

// A group of 8 rows decoded to a panel, codes and scales each by how they are stored.

@inline
function unpackCodes(
  codes: i32,
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  const low = lowConstant(codes)
  const high = highConstant(codes)
  p += head
  for (let left = 0; blocks > 0; blocks--, p += block, panel += PANEL_BYTES) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    unpackBlock(codes, p, panel, low, high)
  }
}

/** Scales, and offsets: those of the form, or what the zero makes of the scales. */
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

export function unpackBytes(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(BYTES, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackNibbles(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(NIBBLES, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackNibbles1(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(NIBBLES_1, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackNibbles2(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(NIBBLES_2, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackE2M1(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(E2M1, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackIQ4(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(IQ4, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackCrumbs(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(CRUMBS, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackCrumbs1(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(CRUMBS_1, p, blocks, head, block, superBytes, superBlocks, panel)
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

/** Decodes the group at `p`, described at `layout`. */
export function unpack(layout: usize, p: usize, blocks: i32, panel: usize): void {
  const head = headBytesAt(layout)
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  switch (codesAt(layout)) {
    case BYTES:
    case E4M3:
    case E5M2:
      unpackBytes(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case NIBBLES:
    case LEVELS:
      unpackNibbles(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case NIBBLES_1:
      unpackNibbles1(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case NIBBLES_2:
      unpackNibbles2(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case E2M1:
      unpackE2M1(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case IQ4:
      unpackIQ4(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case CRUMBS:
    case LEVELS_2:
      unpackCrumbs(p, blocks, head, block, superBytes, superBlocks, panel)
      break
    case CRUMBS_1:
    case LEVELS_3:
      unpackCrumbs1(p, blocks, head, block, superBytes, superBlocks, panel)
      break
  }
  switch (formAt(layout)) {
    case HALF:
      return scalesHalf(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case HALF_OFFSET:
      return scalesHalfOffset(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case U8_OFFSET:
      return scalesU8Offset(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case I8:
      return scalesI8(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case I8_HALVES:
      return scalesI8Halves(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case U8_HALVES_OFFSET:
      return scalesU8HalvesOffset(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case BRAIN:
      return scalesBrain(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case E4M3_HALVES:
      return scalesE4M3Halves(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case SHARED:
      return scalesShared(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case SHARED_OFFSET:
      return scalesSharedOffset(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
  }
}
