import { argument, floatArgument } from '@tessera-llm/wasm/assembly/lib'
import { pageOf } from './cache/pages'

// The argument block that all attention kernels share (written by src/attention/wasm/arguments.ts), and values derived
// from it.

export const Q: u32 = 0
export const K: u32 = 1
export const V: u32 = 2
export const KV_LENGTHS: u32 = 3
export const SINKS: u32 = 4
export const ALIBI: u32 = 5
export const BIAS: u32 = 6
export const MASK: u32 = 7
export const CU_Q: u32 = 8
export const CU_KV: u32 = 9
export const O: u32 = 10
export const LSE: u32 = 11
export const BATCH: u32 = 12
export const HEADS: u32 = 13
export const KV_HEADS: u32 = 14
export const ROWS: u32 = 15
export const KEYS: u32 = 16
export const HEAD_DIM: u32 = 17
export const VALUE_DIM: u32 = 18
/** Strides in elements along batch, head and row axes: q, k, v, o. */
export const STRIDE_Q: u32 = 19
export const STRIDE_K: u32 = 22
export const STRIDE_V: u32 = 25
export const STRIDE_O: u32 = 28
export const WINDOW_LEFT: u32 = 31
export const WINDOW_RIGHT: u32 = 32
export const SCALE: u32 = 33
export const SOFTCAP: u32 = 34
/** Strides along batch, head and row axes of bias and mask; 0 for a broadcast axis. */
export const STRIDE_BIAS: u32 = 35
export const STRIDE_MASK: u32 = 38
export const SCRATCH: u32 = 41
export const SCRATCH_BYTES: u32 = 42
export const PARTIALS: u32 = 43
export const K_STORAGE: u32 = 44
export const V_STORAGE: u32 = 45
export const SEQUENCES: u32 = 46
/** i32 [batch, pages] or 0. With a block table, the batch strides of k and v are page strides. */
export const BLOCK_TABLE: u32 = 47
export const PAGES: u32 = 48
export const PAGE_ROWS: u32 = 49
/**
 * For decode and `gatherKeys` only. `gatherKeys`: scratch addresses of keys [B, Hkv, keys, D], values [B, Hkv, keys,
 * Dv] and lengths i32[B].
 */
export const GATHERED_K: u32 = 50
export const GATHERED_V: u32 = 51
export const GATHERED_LENGTHS: u32 = 52
/**
 * For keys and for values in groups: address of the first group, groups per head, bytes per group, address and number
 * of recent rows.
 */
export const GROUPS_K: u32 = 53
export const GROUPS_V: u32 = 58
/**
 * For decode only: how the platform's product of bytes that adds to 32 bits takes its second operand: 1 as unsigned
 * bytes, 2 as signed ones; 0 where there is none.
 */
export const DOT_ADD: u32 = 63

/**
 * Storage of k and v (`K_STORAGE`, `V_STORAGE`). Strides of byte rows are in bytes. From INT4 on, codes are in groups.
 */
export const K_IS_HALF: u32 = K_STORAGE
export const V_IS_HALF: u32 = V_STORAGE
export const F32: u32 = 0
export const F16: u32 = 1
export const INT8: u32 = 2
export const FP8: u32 = 3
export const INT4: u32 = 4
export const INT2: u32 = 5
export const GROUPS8: u32 = 6

/** Score of a hidden key. */
export const HIDDEN: f32 = -3.4e38

/**
 * Address of element 0 of row (batch, head, row) of a tensor whose strides start at `strides`. `shift` is 2 for f32, 1
 * for f16.
 */
export function rowAddress(args: usize, tensor: u32, strides: u32, batch: u32, head: u32, row: u32, shift: u32): usize {
  const elements =
    <usize>batch * argument(args, strides) +
    <usize>head * argument(args, strides + 1) +
    <usize>row * argument(args, strides + 2)
  return argument(args, tensor) + (elements << shift)
}

/** log2 of the bytes per element of k or v, or per unit of their strides. */
export function elementShift(args: usize, storage: u32): u32 {
  const kind = argument(args, storage)
  return kind == F32 ? 2 : kind == F16 ? 1 : 0
}

/** Address of a row of k or v, possibly in a page. */
export function keyAddress(args: usize, tensor: u32, strides: u32, batch: u32, head: u32, key: u32, shift: u32): usize {
  const table: usize = argument(args, BLOCK_TABLE)
  const rows = argument(args, PAGE_ROWS)
  if (table == 0) return rowAddress(args, tensor, strides, batch, head, key, shift)
  return rowAddress(
    args,
    tensor,
    strides,
    pageOf(table, argument(args, PAGES), batch, key / rows),
    head,
    key % rows,
    shift,
  )
}

/** Number of keys of this batch element, including those that a ring has overwritten. */
export function keyCount(args: usize, batch: u32): i32 {
  const keys: i32 = argument(args, KEYS)
  const lengths: usize = argument(args, KV_LENGTHS)
  if (argument(args, BLOCK_TABLE) != 0) return max(0, load<i32>(lengths + (batch << 2)))
  return lengths == 0 ? keys : max(0, min(load<i32>(lengths + (batch << 2)), keys))
}

/** First of `keys` keys that is not overwritten. */
export function firstKept(args: usize, keys: i32): i32 {
  return argument(args, BLOCK_TABLE) == 0 ? 0 : max(0, keys - <i32>argument(args, KEYS))
}

/** First key that the row at `position` sees. */
export function firstVisible(args: usize, position: i32, firstKey: i32): i32 {
  return max(firstKey, position - <i32>argument(args, WINDOW_LEFT))
}

/** One past the last key that the row at `position` sees. */
export function endVisible(args: usize, position: i32, endKey: i32): i32 {
  return min(endKey, position + 1 + <i32>argument(args, WINDOW_RIGHT))
}

/** Address of a row's first bias, or 0. */
export function biasRow(args: usize, batch: u32, head: u32, row: u32): usize {
  return argument(args, BIAS) == 0 ? 0 : rowAddress(args, BIAS, STRIDE_BIAS, batch, head, row, 2)
}

/** Address of a row's first mask byte, or 0. */
export function maskRow(args: usize, batch: u32, head: u32, row: u32): usize {
  return argument(args, MASK) == 0 ? 0 : rowAddress(args, MASK, STRIDE_MASK, batch, head, row, 0)
}

export function slopeOf(args: usize, head: u32): f32 {
  const slopes: usize = argument(args, ALIBI)
  return slopes == 0 ? 0 : load<f32>(slopes + (head << 2))
}

/** Stores lse[b, h, row] if LSE is an output. */
export function storeLse(args: usize, batch: u32, head: u32, row: u32, value: f32): void {
  const lse: usize = argument(args, LSE)
  if (lse != 0)
    store<f32>(lse + (((<usize>batch * argument(args, HEADS) + head) * argument(args, ROWS) + row) << 2), value)
}

export function scaleOf(args: usize): f32 {
  return floatArgument(args, SCALE)
}

export function softcapOf(args: usize): f32 {
  return floatArgument(args, SOFTCAP)
}
