import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BATCH, HEAD_DIM, HEADS, KEYS, KV_HEADS, rowAddress, STRIDE_K, STRIDE_V, VALUE_DIM } from '../call'
import { addWeighted } from '../scores'
import { DK, DV, PART_K, PART_V } from './rows'

// Where the gradients of keys and values accumulate, and their sum over the heads that share a key.

/** Address where a head accumulates the gradient of a key or value: its own part if heads share keys. */
export function keyGradient(
  args: usize,
  tensor: u32,
  part: u32,
  strides: u32,
  width: u32,
  batch: u32,
  head: u32,
  key: u32,
): usize {
  const parts: usize = argument(args, part)
  if (parts == 0) return rowAddress(args, tensor, strides, batch, head, key, 2)
  return (
    parts +
    ((((<usize>batch * argument(args, HEADS) + head) * argument(args, KEYS) + key) * argument(args, width)) << 2)
  )
}

/** Third stage if heads share keys: sums the gradients of a key over the heads of its group, in head order. */
export function backwardJoin(args: usize, thread: u32, threads: u32): void {
  const keys = argument(args, KEYS)
  const kvHeads = argument(args, KV_HEADS)
  const units = argument(args, BATCH) * kvHeads * keys
  for (let unit = thread; unit < units; unit += threads) {
    const key = unit % keys
    const kvHead = (unit / keys) % kvHeads
    const batch = unit / (keys * kvHeads)
    joinParts(args, DK, PART_K, STRIDE_K, HEAD_DIM, batch, kvHead, key)
    joinParts(args, DV, PART_V, STRIDE_V, VALUE_DIM, batch, kvHead, key)
  }
}

function joinParts(
  args: usize,
  tensor: u32,
  part: u32,
  strides: u32,
  width: u32,
  batch: u32,
  kvHead: u32,
  key: u32,
): void {
  const group = argument(args, HEADS) / argument(args, KV_HEADS)
  const to = rowAddress(args, tensor, strides, batch, kvHead, key, 2)
  memory.copy(
    to,
    keyGradient(args, tensor, part, strides, width, batch, kvHead * group, key),
    (<usize>argument(args, width)) << 2,
  )
  for (let i: u32 = 1; i < group; i++)
    addWeighted(
      to,
      1,
      keyGradient(args, tensor, part, strides, width, batch, kvHead * group + i, key),
      argument(args, width),
      2,
    )
}
