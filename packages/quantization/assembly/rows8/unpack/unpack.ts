import {
  blockBytesAt,
  BRAIN,
  BYTES,
  codesAt,
  CRUMBS,
  OCTALS,
  E2M1,
  E4M3,
  E4M3_HALVES,
  E5M2,
  formAt,
  HALF,
  HALF_OFFSET,
  headBytesAt,
  I8,
  I8_HALVES,
  IQ4,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
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
import {
  unpackBytes,
  unpackCrumbs,
  unpackOctals,
  unpackE2M1,
  unpackIQ4,
  unpackNibbles,
  unpackNibbles1,
  unpackNibbles2,
} from './codes'
import {
  scalesBrain,
  scalesE4M3Halves,
  scalesHalf,
  scalesHalfOffset,
  scalesI8,
  scalesI8Halves,
  scalesShared,
  scalesSharedHalf,
  scalesSharedHalfZero,
  scalesSharedOffset,
  scalesU8HalvesOffset,
  scalesU8Offset,
} from './scales'

// A group of 8 rows decoded to a panel: the functions for its codes and for its scales, picked by its layout.

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
    case OCTALS:
    case LEVELS_3:
      unpackOctals(p, blocks, head, block, superBytes, superBlocks, panel)
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
    case SHARED_HALF:
      return scalesSharedHalf(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case SHARED_HALF_ZERO:
      return scalesSharedHalfZero(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
    case SHARED_OFFSET:
      return scalesSharedOffset(p, blocks, block, superBytes, superBlocks, zeroAt(layout), panel)
  }
}
