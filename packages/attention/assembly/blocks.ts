import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BATCH, CU_KV, CU_Q, endVisible, firstVisible, keyCount, KEYS, ROWS, SEQUENCES } from './call'

// Query rows in blocks, sequence by sequence: those of the batch, or packed ones. What packed sequences say is read here alone, and cut to
// the axes: rows beyond them do not exist, and what no sequence holds is a sequence without keys.

/** Words of a place: element of the batch, rows and keys of its sequence, rows of the block. */
export const PLACE_BATCH: u32 = 0, FIRST_ROW: u32 = 1, END_ROW: u32 = 2, FIRST_KEY: u32 = 3, END_KEY: u32 = 4, BLOCK_ROW: u32 = 5, BLOCK_END: u32 = 6
export const PLACE_BYTES: usize = 32

/** Sequences that `placeSequence` knows: of the batch; or packed ones, and what lies before the first and after the last. */
export function sequenceCount(args: usize): u32 {
  return argument(args, CU_Q) == 0 ? argument(args, BATCH) : argument(args, SEQUENCES) + 2
}

/** Fills the first five words; sequences are asked for in order, since rows that one has taken are not the next one's. */
export function placeSequence(args: usize, sequence: u32, before: i32, place: usize): void {
  const rows: i32 = argument(args, ROWS), keys: i32 = argument(args, KEYS), cuQ: usize = argument(args, CU_Q), cuKv: usize = argument(args, CU_KV)
  let batch: u32 = 0, firstRow = 0, endRow = rows, firstKey = 0, endKey = 0
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

/** Query rows of one head in a block: about 64 lines in all, so that a tile of keys is laid out for many of them. */
// @ts-ignore: decorator
@inline
export function blockRows(group: u32): u32 {
  return max(4, (64 / group) & ~3)
}

/** Blocks of up to `size` rows in all sequences. */
export function blockCount(args: usize, size: u32): u32 {
  const rows = argument(args, ROWS), cuQ: usize = argument(args, CU_Q)
  if (cuQ == 0) return argument(args, BATCH) * ((rows + size - 1) / size)
  let blocks: u32 = 0, before = 0
  const sequences = sequenceCount(args)
  for (let n: u32 = 0; n < sequences; n++) {
    const end: i32 = n + 1 < sequences ? min(<i32>rows, max(before, load<i32>(cuQ + (n << 2)))) : rows
    blocks += (<u32>(end - before) + size - 1) / size
    before = end
  }
  return blocks
}

/** Where block `block` lies. */
export function placeBlock(args: usize, block: u32, size: u32, place: usize): void {
  let left = block, sequence: u32 = 0
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

// @ts-ignore: decorator
@inline
export function placed(place: usize, word: u32): i32 {
  return load<i32>(place + (word << 2))
}

function blocksOf(place: usize, size: u32): u32 {
  return (<u32>(placed(place, END_ROW) - placed(place, FIRST_ROW)) + size - 1) / size
}

/** Position of row 0 of the axis among the keys: the last row of a sequence stands at its last key. */
// @ts-ignore: decorator
@inline
export function positionOffset(place: usize): i32 {
  return placed(place, END_KEY) - placed(place, END_ROW)
}

/** First key that a row at `position` sees, and one past the last, within the sequence. */
export function firstSeen(args: usize, place: usize, position: i32): i32 {
  return firstVisible(args, position, placed(place, FIRST_KEY))
}

export function endSeen(args: usize, place: usize, position: i32): i32 {
  return endVisible(args, position, placed(place, END_KEY))
}
