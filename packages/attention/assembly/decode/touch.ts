import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BLOCK_TABLE,
  elementShift,
  F16,
  HEAD_DIM,
  K,
  K_STORAGE,
  keyAddress,
  KV_HEADS,
  STRIDE_K,
  STRIDE_V,
  V,
  V_STORAGE,
  VALUE_DIM,
} from '../call'
import { SPLIT } from './splits'

// Reading ahead: WebAssembly has no prefetch instruction, so plain loads start the hardware prefetcher.

/**
 * Reads one word per cache line from `from` on, in order: tiles read several rows side by side, which the hardware
 * prefetcher does not recognize as a stream. Stores the sum at `out` so that no compiler drops the reads.
 */
export function touch(from: usize, bytes: usize, out: usize): void {
  let a: u32 = 0
  for (const end = from + bytes; from < end; from += 64) a ^= load<u32>(from)
  store<u32>(out, a)
}

/** `touch` for whole splits, interleaving four quarters: on some machines four streams are 1.4 times as fast as one. */
export function touchQuarters(from: usize, bytes: usize, out: usize): void {
  const quarter = (bytes >> 2) & ~63
  let a: u32 = 0
  for (const end = from + quarter; from < end; from += 64) {
    const second = from + quarter
    const third = second + quarter
    a ^= load<u32>(from) ^ load<u32>(second) ^ load<u32>(third) ^ load<u32>(third + quarter)
  }
  store<u32>(out, a)
  touch(from + 3 * quarter, bytes - 4 * quarter, out)
}

/**
 * Starts reading ahead: the values of this split, and the keys that this thread will probably take next. A few lines at
 * the start of each page start the hardware prefetcher there; it runs during the products and stops at the end of the
 * page.
 */
export function touchAhead(
  args: usize,
  batch: u32,
  kvHead: u32,
  split: i32,
  keys: i32,
  threads: u32,
  out: usize,
): void {
  if (argument(args, BLOCK_TABLE) != 0 || argument(args, V_STORAGE) > F16) return
  const heads = argument(args, KV_HEADS)
  const shiftK = elementShift(args, K_STORAGE)
  const shiftV = elementShift(args, V_STORAGE)
  const strideK = (<usize>argument(args, STRIDE_K + 2)) << shiftK
  const strideV = (<usize>argument(args, STRIDE_V + 2)) << shiftV
  const start = split * SPLIT
  const next = kvHead + threads
  const nextStart = start + <i32>(next / heads) * SPLIT
  if (strideV == (<usize>argument(args, VALUE_DIM)) << shiftV)
    touchPages(
      keyAddress(args, V, STRIDE_V, batch, kvHead, start, shiftV),
      <usize>min(SPLIT, keys - start) * strideV,
      out,
    )
  if (nextStart < keys && strideK == (<usize>argument(args, HEAD_DIM)) << shiftK)
    touchPages(
      keyAddress(args, K, STRIDE_K, batch, next % heads, nextStart, shiftK),
      <usize>min(SPLIT, keys - nextStart) * strideK,
      out,
    )
}

function touchPages(from: usize, bytes: usize, out: usize): void {
  let a: u32 = 0
  for (const end = from + bytes; from + 132 <= end; from += 4096)
    a ^= load<u32>(from) ^ load<u32>(from, 64) ^ load<u32>(from, 128)
  store<u32>(out, a)
}
