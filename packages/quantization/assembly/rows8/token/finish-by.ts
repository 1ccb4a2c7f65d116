import {
  tokenBrain,
  tokenE4M3Halves,
  tokenHalf,
  tokenHalfOffset,
  tokenI8,
  tokenI8Halves,
  tokenShared,
  tokenSharedHalf,
  tokenSharedHalfZero,
  tokenSharedOffset,
  tokenU8HalvesOffset,
  tokenU8Offset,
} from './finish'
import {
  BRAIN,
  E4M3_HALVES,
  formAt,
  HALF,
  HALF_OFFSET,
  I8,
  I8_HALVES,
  SHARED,
  SHARED_HALF,
  SHARED_HALF_ZERO,
  U8_HALVES_OFFSET,
  U8_OFFSET,
} from '../layout'

/** Second pass of one token, by how the group's scales are stored. */
export function finishTokenBy(
  layout: usize,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  sums: usize,
  out: usize,
): void {
  switch (formAt(layout)) {
    case HALF:
      return tokenHalf(layout, p, f, record, blocks, sums, out)
    case HALF_OFFSET:
      return tokenHalfOffset(layout, p, f, record, blocks, sums, out)
    case U8_OFFSET:
      return tokenU8Offset(layout, p, f, record, blocks, sums, out)
    case I8:
      return tokenI8(layout, p, f, record, blocks, sums, out)
    case I8_HALVES:
      return tokenI8Halves(layout, p, f, record, blocks, sums, out)
    case U8_HALVES_OFFSET:
      return tokenU8HalvesOffset(layout, p, f, record, blocks, sums, out)
    case BRAIN:
      return tokenBrain(layout, p, f, record, blocks, sums, out)
    case E4M3_HALVES:
      return tokenE4M3Halves(layout, p, f, record, blocks, sums, out)
    case SHARED:
      return tokenShared(layout, p, f, record, blocks, sums, out)
    case SHARED_HALF:
      return tokenSharedHalf(layout, p, f, record, blocks, sums, out)
    case SHARED_HALF_ZERO:
      return tokenSharedHalfZero(layout, p, f, record, blocks, sums, out)
    default:
      tokenSharedOffset(layout, p, f, record, blocks, sums, out)
  }
}
