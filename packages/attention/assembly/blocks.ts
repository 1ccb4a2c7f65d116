import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BATCH, CU_KV, CU_Q, endVisible, firstVisible, keyCount, KEYS, ROWS, SEQUENCES } from './call'

// Query rows in blocks, sequence by sequence, of a batch or of packed sequences. Only this file reads the packed
// offsets, and clips them to the axes: rows beyond do not exist, and rows outside every sequence form a sequence
// without keys.

/** Words of a place: batch index, rows and keys of its sequence, rows of the block. */
export const PLACE_BATCH: u32 = 0
export const FIRST_ROW: u32 = 1
export const END_ROW: u32 = 2
export const FIRST_KEY: u32 = 3
export const END_KEY: u32 = 4
export const BLOCK_ROW: u32 = 5
export const BLOCK_END: u32 = 6
export const PLACE_BYTES: usize = 32

/**
 * Number of sequences for `placeSequence`: the batch size; or packed sequences plus the rows before the first and after
 * the last.
 */
export function sequenceCount(args: usize): u32 {
  return argument(args, CU_Q) == 0 ? argument(args, BATCH) : argument(args, SEQUENCES) + 2
}

/**
 * Fills the first five words. Sequences must be visited in order, because a sequence gets no rows that an earlier one
 * has.
 */
export function placeSequence(args: usize, sequence: u32, before: i32, place: usize): void {
  const rows: i32 = argument(args, ROWS)
  const keys: i32 = argument(args, KEYS)
  const cuQ: usize = argument(args, CU_Q)
  const cuKv: usize = argument(args, CU_KV)
  let batch: u32 = 0
  let firstRow = 0
  let endRow = rows
  let firstKey = 0
  let endKey = 0
  if (cuQ == 0) {
    batch = sequence
    endKey = keyCount(args, batch)
  } else {
    const last = argument(args, SEQUENCES)
    firstRow = before
    if (sequence <= last) endRow = min(rows, max(before, load<i32>(cuQ + (sequence << 2))))
    if (sequence > 0 && sequence <= last) {
      firstKey = min(keys, max(0, load<i32>(cuKv + ((sequence - 1) << 2))))
      endKey = min(keys, max(firstKey, load<i32>(cuKv + (sequence << 2))))
    }
  }
  store<u32>(place, batch)
  store<i32>(place, firstRow, FIRST_ROW << 2)
  store<i32>(place, endRow, END_ROW << 2)
  store<i32>(place, firstKey, FIRST_KEY << 2)
  store<i32>(place, endKey, END_KEY << 2)
}

/**
 * Query rows of one head per block: about 64 lines over all heads, so that packing a tile of keys serves many lines.
 */
@inline
export function blockRows(group: u32): u32 {
  return max(4, (64 / group) & ~3)
}

/** Number of blocks of up to `size` rows in all sequences. */
export function blockCount(args: usize, size: u32): u32 {
  const rows = argument(args, ROWS)
  const cuQ: usize = argument(args, CU_Q)
  if (cuQ == 0) return argument(args, BATCH) * ((rows + size - 1) / size)
  let blocks: u32 = 0
  let before = 0
  const sequences = sequenceCount(args)
  for (let n: u32 = 0; n < sequences; n++) {
    const end: i32 = n + 1 < sequences ? min(<i32>rows, max(before, load<i32>(cuQ + (n << 2)))) : rows
    blocks += (<u32>(end - before) + size - 1) / size
    before = end
  }
  return blocks
}

/** Finds the place of block `block`. */
export function placeBlock(args: usize, block: u32, size: u32, place: usize): void {
  let left = block
  let sequence: u32 = 0
  if (argument(args, CU_Q) == 0) {
    const each = (argument(args, ROWS) + size - 1) / size
    sequence = block / each
    left = block % each
    placeSequence(args, sequence, 0, place)
  } else {
    placeSequence(args, 0, 0, place)
    for (let blocks = blocksOf(place, size); left >= blocks; blocks = blocksOf(place, size)) {
      left -= blocks
      placeSequence(args, ++sequence, placed(place, END_ROW), place)
    }
  }
  const first = placed(place, FIRST_ROW) + <i32>(left * size)
  store<i32>(place, first, BLOCK_ROW << 2)
  store<i32>(place, min(placed(place, END_ROW), first + <i32>size), BLOCK_END << 2)
}

@inline
export function placed(place: usize, word: u32): i32 {
  return load<i32>(place + (word << 2))
}

function blocksOf(place: usize, size: u32): u32 {
  return (<u32>(placed(place, END_ROW) - placed(place, FIRST_ROW)) + size - 1) / size
}

/** Offset from row index to key position: the last row of a sequence is at its last key. */
@inline
export function positionOffset(place: usize): i32 {
  return placed(place, END_KEY) - placed(place, END_ROW)
}

/** First key of the sequence that a row at `position` sees; `endSeen` is one past the last. */
export function firstSeen(args: usize, place: usize, position: i32): i32 {
  return firstVisible(args, position, placed(place, FIRST_KEY))
}

export function endSeen(args: usize, place: usize, position: i32): i32 {
  return endVisible(args, position, placed(place, END_KEY))
}
