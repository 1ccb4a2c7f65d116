import {
  BYTES,
  codesAt,
  CRUMBS,
  E2M1,
  IQ4,
  isWide,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
  OCTALS,
  zeroAt,
} from '../layout'
import { sumsE2M1, sumsNibbles2 } from './halves'
import { IQ4_ZERO, sumsIQ4Bytes } from './iq4'
import { sumsIQ4, sumsLevels, sumsLevels2, sumsLevels3 } from './levels'
import { sumsNibbles, sumsNibbles1 } from './nibbles'
import { sumsCrumbs, sumsOctals } from './small'
import { byteSums } from './wide'

// First pass of one token times a group of 8 rows: the integer sum of each block, as i32: quad 0, quad 1 (32 bytes); or
// those of the first half of the columns, then of the second (64 bytes). One function for each way to store codes:
// engines allocate registers for one function at a time. `p` is the group's first byte, `layout` the
// address of the weight's description.

/** Whether one token takes such codes as products of 16 bits. */
@inline
export function isWideToken(codes: i32): bool {
  return isWide(codes) && (!ASC_FEATURE_RELAXED_SIMD || codes != IQ4)
}

/** What one token's products subtract from codes: as the layout says, and for levels that are split what is in them. */
@inline
export function tokenZero(layout: usize): i32 {
  return ASC_FEATURE_RELAXED_SIMD && codesAt(layout) == IQ4 ? IQ4_ZERO : zeroAt(layout)
}

/** Whether one pass can go over several groups with such codes: not where they are decoded to bytes first. */
export function areSideBySide(codes: i32): bool {
  switch (codes) {
    case NIBBLES_1:
    case NIBBLES_2:
    case E2M1:
    case CRUMBS:
    case OCTALS:
      return !isWide(codes)
    default:
      return true
  }
}

/**
 * The sums of one token and `streams` groups, block by block: the groups lie `distance` apart, the sums of the next one
 * `span` bytes further. `streams` is 1 unless the codes `areSideBySide`. `bytes` are 256 bytes of scratch.
 */
export function tokenSums(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  switch (codesAt(layout)) {
    case BYTES:
      return byteSums(layout, p, streams, distance, x, blocks, sums, span)
    case NIBBLES:
      return sumsNibbles(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case NIBBLES_1:
      return sumsNibbles1(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case NIBBLES_2:
      return sumsNibbles2(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case E2M1:
      return sumsE2M1(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case IQ4:
      if (isWideToken(IQ4)) return sumsIQ4(layout, p, streams, distance, x, blocks, sums, span, bytes)
      return sumsIQ4Bytes(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case LEVELS:
      return sumsLevels(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case LEVELS_2:
      return sumsLevels2(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case LEVELS_3:
      return sumsLevels3(layout, p, streams, distance, x, blocks, sums, span, bytes)
    case CRUMBS:
      return sumsCrumbs(layout, p, streams, distance, x, blocks, sums, span, bytes)
    default:
      sumsOctals(layout, p, streams, distance, x, blocks, sums, span, bytes)
  }
}
