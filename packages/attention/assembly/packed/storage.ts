import { argument, loadHalf4 } from '@tessera-llm/wasm/assembly/lib'
import { decodeChannels, decodeTokens } from './decode-groups'
import {
  FP8,
  GROUPS8,
  GROUPS_K,
  GROUPS_V,
  INT4,
  INT8,
  K,
  K_STORAGE,
  keyAddress,
  KV_HEADS,
  STRIDE_K,
  STRIDE_V,
  V_STORAGE,
} from '../call'

// Reads packed keys and values in place; src/kv-format/layout.ts describes the layout. `which` is K or V.

/** Tokens per group. */
export const GROUP: i32 = 32

@inline
export function storageOf(args: usize, which: u32): u32 {
  return argument(args, which == K ? K_STORAGE : V_STORAGE)
}

/** Bits of a code in groups. */
@inline
export function bitsOf(storage: u32): u32 {
  return storage == GROUPS8 ? 8 : storage == INT4 ? 4 : 2
}

@inline
function field(args: usize, which: u32, index: u32): u32 {
  return argument(args, (which == K ? GROUPS_K : GROUPS_V) + index)
}

/** First token of the sequence that is not in groups; 0 for other storages. */
export function groupedEnd(args: usize, which: u32, batch: u32): i32 {
  return storageOf(args, which) >= INT4 ? load<i32>(argument(args, which) + (batch << 3)) : 0
}

export function groupAddress(args: usize, which: u32, batch: u32, head: u32, key: u32): usize {
  return (
    field(args, which, 0) +
    (<usize>(batch * argument(args, KV_HEADS) + head) * field(args, which, 1) + key / GROUP) * field(args, which, 2)
  )
}

export function groupBytes(args: usize, which: u32): usize {
  return field(args, which, 2)
}

/** Address of an f16 row in the ring; `bytes` is the size of a row. */
export function recentAddress(args: usize, which: u32, batch: u32, head: u32, key: u32, bytes: usize): usize {
  const rows = field(args, which, 4)
  return field(args, which, 3) + (<usize>(batch * argument(args, KV_HEADS) + head) * rows + (key % rows)) * bytes
}

/** Converts four e4m3, sign-extended to i32, to f32. */
@inline
function widenFp8(bytes: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bytes, 20), i32x4.splat(0x87f00000)), f32x4.splat(1.329227995784916e36))
}

/** Decodes a row of byte codes to f32; `width` is a multiple of 4. */
export function decodeBytes(row: usize, isFp8: bool, width: u32, to: usize): void {
  const scale = v128.load32_splat(row)
  for (let d: usize = 0; d < width; d += 4) {
    const codes = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(row + 4 + d)))
    v128.store(to + (d << 2), f32x4.mul(scale, isFp8 ? widenFp8(codes) : f32x4.convert_i32x4_s(codes)))
  }
}

/** Decodes rows `key` … `key + count − 1`, which are in one block of 32, to f32. */
export function decodeKeys(
  args: usize,
  which: u32,
  batch: u32,
  head: u32,
  key: i32,
  count: i32,
  width: u32,
  to: usize,
): void {
  const storage = storageOf(args, which)
  const isKey = which == K
  if (storage == INT8 || storage == FP8) {
    const stride = argument(args, isKey ? STRIDE_K + 2 : STRIDE_V + 2)
    const from = keyAddress(args, which, isKey ? STRIDE_K : STRIDE_V, batch, head, key, 0)
    for (let i = 0; i < count; i++)
      decodeBytes(from + i * stride, storage == FP8, width, to + ((<usize>i * width) << 2))
    return
  }
  if (key >= groupedEnd(args, which, batch)) {
    for (let i = 0; i < count; i++) {
      const from = recentAddress(args, which, batch, head, key + i, (<usize>width) << 1)
      for (let d: usize = 0; d < width; d += 4)
        v128.store(to + ((<usize>i * width + d) << 2), loadHalf4(from + (d << 1)))
    }
    return
  }
  const group = groupAddress(args, which, batch, head, key)
  if (isKey) decodeChannels(bitsOf(storage), group, key % GROUP, count, width, to)
  else decodeTokens(bitsOf(storage), group, key % GROUP, count, width, to)
}
