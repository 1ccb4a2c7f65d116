import {
  BRAIN,
  BYTES,
  codesAt,
  CRUMBS,
  E2M1,
  E4M3,
  E4M3_HALVES,
  E5M2,
  formAt,
  HALF,
  HALF_OFFSET,
  I8,
  I8_HALVES,
  IQ4,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
  OCTALS,
  SHARED,
  SHARED_HALF,
  SHARED_HALF_ZERO,
  SHARED_OFFSET,
  U8_HALVES_OFFSET,
  U8_OFFSET,
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
  switch (codesAt(layout)) {
    case BYTES:
    case E4M3:
    case E5M2:
      unpackBytes(layout, p, blocks, panel)
      break
    case NIBBLES:
    case LEVELS:
      unpackNibbles(layout, p, blocks, panel)
      break
    case NIBBLES_1:
      unpackNibbles1(layout, p, blocks, panel)
      break
    case NIBBLES_2:
      unpackNibbles2(layout, p, blocks, panel)
      break
    case E2M1:
      unpackE2M1(layout, p, blocks, panel)
      break
    case IQ4:
      unpackIQ4(layout, p, blocks, panel)
      break
    case CRUMBS:
    case LEVELS_2:
      unpackCrumbs(layout, p, blocks, panel)
      break
    case OCTALS:
    case LEVELS_3:
      unpackOctals(layout, p, blocks, panel)
      break
  }
  switch (formAt(layout)) {
    case HALF:
      return scalesHalf(layout, p, blocks, panel)
    case HALF_OFFSET:
      return scalesHalfOffset(layout, p, blocks, panel)
    case U8_OFFSET:
      return scalesU8Offset(layout, p, blocks, panel)
    case I8:
      return scalesI8(layout, p, blocks, panel)
    case I8_HALVES:
      return scalesI8Halves(layout, p, blocks, panel)
    case U8_HALVES_OFFSET:
      return scalesU8HalvesOffset(layout, p, blocks, panel)
    case BRAIN:
      return scalesBrain(layout, p, blocks, panel)
    case E4M3_HALVES:
      return scalesE4M3Halves(layout, p, blocks, panel)
    case SHARED:
      return scalesShared(layout, p, blocks, panel)
    case SHARED_HALF:
      return scalesSharedHalf(layout, p, blocks, panel)
    case SHARED_HALF_ZERO:
      return scalesSharedHalfZero(layout, p, blocks, panel)
    case SHARED_OFFSET:
      return scalesSharedOffset(layout, p, blocks, panel)
  }
}
