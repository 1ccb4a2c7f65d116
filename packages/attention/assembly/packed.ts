import { argument, halfToFloat, madd, maxLanes, nmadd, sumLanes, widenHalf } from '@tessera-llm/wasm/assembly/lib'
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
} from './call'

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

/**
 * Decodes `count` parameters (a multiple of 4), each a word of two f16, minimum then scale, to f32 scales and minima,
 * times `factor`.
 */
export function decodeParameters(words: usize, count: u32, factor: f32, scales: usize, minima: usize): void {
  const f = f32x4.splat(factor)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const word = v128.load(words + i)
    v128.store(scales + i, f32x4.mul(f, widenHalf(i32x4.shr_s(word, 16))))
    v128.store(minima + i, f32x4.mul(f, widenHalf(i32x4.shr_s(i32x4.shl(word, 16), 16))))
  }
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
      for (let d: u32 = 0; d < width; d++)
        store<f32>(to + ((<usize>i * width + d) << 2), halfToFloat(load<u16>(from + (d << 1))))
    }
    return
  }
  const bits = bitsOf(storage)
  const mask = ((<u32>1) << bits) - 1
  const group = groupAddress(args, which, batch, head, key)
  const parameters = group + ((width * bits) << 2)
  for (let i = 0; i < count; i++) {
    const t: u32 = (key + i) % GROUP
    for (let d: u32 = 0; d < width; d++) {
      const at = isKey ? ((d * bits) / 32) * GROUP + t : ((t * bits) / 32) * width + d
      const code = (load<u32>(group + (at << 2)) >> (((isKey ? d : t) * bits) % 32)) & mask
      const parameter = load<u32>(parameters + ((isKey ? d : (d / GROUP) * GROUP + t) << 2))
      store<f32>(
        to + ((<usize>i * width + d) << 2),
        halfToFloat(parameter & 0xffff) + <f32>code * halfToFloat(parameter >> 16),
      )
    }
  }
}

/** Rounds x to i16 of at most `limit` such that x ≈ factor · i16; `count` is a multiple of 8. Returns the factor. */
export function roundPairs(x: usize, count: u32, limit: f32, to: usize): f32 {
  let largest = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(x + i)))
  const most = maxLanes(largest)
  const inverse = f32x4.splat(inverseOf(most, limit))
  for (let i: usize = 0; i < count; i += 8)
    v128.store(
      to + (i << 1),
      i16x8.narrow_i32x4_s(
        roundFour(v128.load(x + (i << 2)), inverse),
        roundFour(v128.load(x + (i << 2), 16), inverse),
      ),
    )
  return factorOf(most, limit)
}

/**
 * Rounds 32 elements x · scales to i8 such that they are ≈ factor · i8, in the order of the codes of a word: for 4 bits
 * 0 2 4 6 1 3 5 7 of each eight, for 2 bits 0 4 8 12 1 5 … of each sixteen. Elements from `count` (a multiple of 4) on
 * are zeros. Stores the factor. Returns Σ x · minima plus the rounding error of x · scales times the middle code, so
 * that the remaining error acts on codes centered at 0.
 */
export function roundBlock(
  x: usize,
  scales: usize,
  minima: usize,
  count: u32,
  bits: u32,
  to: usize,
  factor: usize,
): f32 {
  let largest = f32x4.splat(0)
  let sum = largest
  let base = largest
  const end: usize = (<usize>min<u32>(count, 32)) << 2
  for (let i: usize = 0; i < end; i += 16) {
    const value = v128.load(x + i)
    const scaled = f32x4.mul(value, v128.load(scales + i))
    largest = f32x4.pmax(largest, f32x4.abs(scaled))
    sum = f32x4.add(sum, scaled)
    base = madd(value, v128.load(minima + i), base)
  }
  const most = maxLanes(largest)
  const inverse = f32x4.splat(inverseOf(most, 127))
  const step = factorOf(most, 127)
  store<f32>(factor, step)
  let rounded = i32x4.splat(0)
  for (let i: usize = 0; i < 128; i += 64, x += 64, scales += 64, to += 16) {
    const all = i8x16.narrow_i16x8_s(
      roundEight(x, scales, <i32>(end - i), inverse),
      roundEight(x + 32, scales + 32, <i32>(end - i) - 32, inverse),
    )
    rounded = i32x4.add(rounded, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(all)))
    v128.store(
      to,
      bits == 4
        ? v128.shuffle<i8>(all, all, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15)
        : v128.shuffle<i8>(all, all, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    )
  }
  const lost = nmadd(f32x4.splat(step), f32x4.convert_i32x4_s(rounded), sum)
  return sumLanes(madd(lost, f32x4.splat(bits == 4 ? 7.5 : 1.5), base))
}

/** Rounds eight products, of which `bytes` are valid. */
@inline
function roundEight(x: usize, scales: usize, bytes: i32, inverse: v128): v128 {
  const none = i32x4.splat(0)
  return i16x8.narrow_i32x4_s(
    bytes > 0 ? roundFour(f32x4.mul(v128.load(x), v128.load(scales)), inverse) : none,
    bytes > 16 ? roundFour(f32x4.mul(v128.load(x, 16), v128.load(scales, 16)), inverse) : none,
  )
}

/** Returns 0 for numbers whose reciprocal would overflow. */
@inline
function inverseOf(most: f32, codes: f32): f32 {
  return most < 1e-30 ? 0 : codes / most
}

@inline
function factorOf(most: f32, codes: f32): f32 {
  return most < 1e-30 ? 0 : most / codes
}

/** Adding 1.5 · 2^23 rounds to the nearest integer, which is then in the low bits. */
@inline
function roundFour(x: v128, inverse: v128): v128 {
  return i32x4.sub(madd(x, inverse, f32x4.splat(12582912)), i32x4.splat(0x4b400000))
}

/** scaled = x ∘ scales; returns Σ x · minima. `count` is a multiple of 4. */
export function scaleBy(x: usize, scales: usize, minima: usize, count: u32, scaled: usize): f32 {
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const value = v128.load(x + i)
    v128.store(scaled + i, f32x4.mul(value, v128.load(scales + i)))
    sum = madd(value, v128.load(minima + i), sum)
  }
  return sumLanes(sum)
}
