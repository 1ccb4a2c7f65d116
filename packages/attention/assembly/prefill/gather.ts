import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BATCH,
  elementShift,
  F16,
  firstKept,
  firstVisible,
  GATHERED_K,
  GATHERED_LENGTHS,
  GATHERED_V,
  HEAD_DIM,
  K,
  K_STORAGE,
  keyAddress,
  keyCount,
  KEYS,
  KV_HEADS,
  PAGE_ROWS,
  ROWS,
  STRIDE_K,
  STRIDE_V,
  V,
  V_STORAGE,
  VALUE_DIM,
} from '../call'
import { decodeKeys, GROUP } from '../packed/storage'

// Gathers the keys and values that any row sees into contiguous scratch memory for the kernels of many rows. Each is
// copied, or decoded to f32, once for all blocks of rows. Key i there is key `firstKept + i` of the sequence.

export function gatherKeys(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS)
  const capacity: i32 = argument(args, KEYS)
  // Rows of a page are contiguous, and rows of a group are decoded together.
  const blockRows = argument(args, PAGE_ROWS) != 0 ? argument(args, PAGE_ROWS) : GROUP
  const blocks = (<u32>capacity + blockRows - 1) / blockRows + 1
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < argument(args, BATCH); batch++) {
    const keys = keyCount(args, batch)
    const kept = firstKept(args, keys)
    const first = firstVisible(args, keys - <i32>argument(args, ROWS), kept)
    if (thread == 0) store<i32>(argument(args, GATHERED_LENGTHS) + (batch << 2), keys - kept)
    for (let block: u32 = 0; block < blocks; block++) {
      const from = max(first, <i32>((kept / blockRows + block) * blockRows))
      const end = min(keys, <i32>((kept / blockRows + block + 1) * blockRows))
      if (from >= end) continue
      for (let head: u32 = 0; head < kvHeads; head++) {
        if (turn++ % threads != thread) continue
        const row = (<usize>batch * kvHeads + head) * capacity + (from - kept)
        gatherRows(args, K, batch, head, from, end - from, argument(args, HEAD_DIM), argument(args, GATHERED_K), row)
        gatherRows(args, V, batch, head, from, end - from, argument(args, VALUE_DIM), argument(args, GATHERED_V), row)
      }
    }
  }
}

function gatherRows(
  args: usize,
  which: u32,
  batch: u32,
  head: u32,
  key: i32,
  count: i32,
  width: u32,
  to: usize,
  row: usize,
): void {
  const storage = which == K ? K_STORAGE : V_STORAGE
  if (argument(args, storage) > F16) {
    decodeKeys(args, which, batch, head, key, count, width, to + ((row * width) << 2))
    return
  }
  const shift = elementShift(args, storage)
  memory.copy(
    to + ((row * width) << shift),
    keyAddress(args, which, which == K ? STRIDE_K : STRIDE_V, batch, head, key, shift),
    (<usize>count * width) << shift,
  )
}
