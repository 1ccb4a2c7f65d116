import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BATCH, elementShift, firstKept, firstVisible, HEAD_DIM, K, K_IS_HALF, keyAddress, keyCount, KEYS, KV_HEADS, PAGE_ROWS, ROWS, STRIDE_K, STRIDE_V, V, V_IS_HALF, VALUE_DIM } from './call'

// Lays the keys and values that any row sees, from wherever they are, next to each other in scratch memory, where the kernels for many
// rows read them: each is moved once for all blocks of rows. Key i there is key `firstKept + i` of the sequence.

/** Scratch addresses of keys [B, Hkv, keys, D], values [B, Hkv, keys, Dv] and i32[B] lengths. */
export const GATHERED_K: u32 = 50, GATHERED_V: u32 = 51, GATHERED_LENGTHS: u32 = 52

export function gatherKeys(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS), capacity: i32 = argument(args, KEYS), pageRows = argument(args, PAGE_ROWS)
  const blocks = (<u32>capacity + pageRows - 1) / pageRows + 1
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < argument(args, BATCH); batch++) {
    const keys = keyCount(args, batch), kept = firstKept(args, keys)
    const first = firstVisible(args, keys - <i32>argument(args, ROWS), kept)
    if (thread == 0) store<i32>(argument(args, GATHERED_LENGTHS) + (batch << 2), keys - kept)
    for (let block: u32 = 0; block < blocks; block++) {
      const from = max(first, <i32>((kept / pageRows + block) * pageRows)), end = min(keys, <i32>((kept / pageRows + block + 1) * pageRows))
      if (from >= end) continue
      for (let head: u32 = 0; head < kvHeads; head++) {
        if (turn++ % threads != thread) continue
        const row = (<usize>batch * kvHeads + head) * capacity + (from - kept)
        copyRows(args, K, STRIDE_K, batch, head, from, end - from, argument(args, HEAD_DIM), elementShift(args, K_IS_HALF), argument(args, GATHERED_K), row)
        copyRows(args, V, STRIDE_V, batch, head, from, end - from, argument(args, VALUE_DIM), elementShift(args, V_IS_HALF), argument(args, GATHERED_V), row)
      }
    }
  }
}

/** Rows of one page lie next to each other. */
function copyRows(args: usize, tensor: u32, strides: u32, batch: u32, head: u32, key: i32, count: i32, width: u32, shift: u32, to: usize, row: usize): void {
  memory.copy(to + ((row * width) << shift), keyAddress(args, tensor, strides, batch, head, key, shift), (<usize>count * width) << shift)
}
