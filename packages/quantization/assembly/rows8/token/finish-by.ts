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
  form: i32,
  p: usize,
  f: usize,
  record: usize,
  blocks: i32,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  sums: usize,
  out: usize,
): void {
  switch (form) {
    case HALF:
      return tokenHalf(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case HALF_OFFSET:
      return tokenHalfOffset(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case U8_OFFSET:
      return tokenU8Offset(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case I8:
      return tokenI8(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case I8_HALVES:
      return tokenI8Halves(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case U8_HALVES_OFFSET:
      return tokenU8HalvesOffset(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case BRAIN:
      return tokenBrain(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case E4M3_HALVES:
      return tokenE4M3Halves(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case SHARED:
      return tokenShared(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case SHARED_HALF:
      return tokenSharedHalf(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    case SHARED_HALF_ZERO:
      return tokenSharedHalfZero(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
    default:
      tokenSharedOffset(p, f, record, blocks, block, superBytes, superBlocks, sums, out)
  }
}
