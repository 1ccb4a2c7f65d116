import { argument, halfToFloat, madd, widenHalf } from '@tessera-llm/wasm/assembly/lib'
import { FP8, GROUPS_K, GROUPS_V, INT4, INT8, K, K_STORAGE, keyAddress, KV_HEADS, STRIDE_K, STRIDE_V, V_STORAGE } from './call'

// Packed keys and values where they lie; src/kv-format/layout.ts says how. `which` is K or V.

/** Tokens of a group. */
export const GROUP: i32 = 32

// @ts-ignore: decorator
@inline
export function storageOf(args: usize, which: u32): u32 {
  return argument(args, which == K ? K_STORAGE : V_STORAGE)
}

// @ts-ignore: decorator
@inline
function field(args: usize, which: u32, index: u32): u32 {
  return argument(args, (which == K ? GROUPS_K : GROUPS_V) + index)
}

/** First token of the sequence that is not in groups; 0 for other storages. */
export function groupedEnd(args: usize, which: u32, batch: u32): i32 {
  return storageOf(args, which) >= INT4 ? load<i32>(argument(args, which) + (batch << 3)) : 0
}

export function groupAddress(args: usize, which: u32, batch: u32, head: u32, key: u32): usize {
  return field(args, which, 0) + (<usize>(batch * argument(args, KV_HEADS) + head) * field(args, which, 1) + key / GROUP) * field(args, which, 2)
}

/** Address of a row of f16 in the ring; `bytes` are those of a row. */
export function recentAddress(args: usize, which: u32, batch: u32, head: u32, key: u32, bytes: usize): usize {
  const rows = field(args, which, 4)
  return field(args, which, 3) + (<usize>(batch * argument(args, KV_HEADS) + head) * rows + key % rows) * bytes
}

/** f32 scales and minima of `count` parameters, each a word of two f16: the minimum, then the scale. `count` is a multiple of 4. */
export function decodeParameters(words: usize, count: u32, scales: usize, minima: usize): void {
  for (let i: usize = 0; i < <usize>count << 2; i += 16) {
    const word = v128.load(words + i)
    v128.store(scales + i, widenHalf(i32x4.shr_s(word, 16)))
    v128.store(minima + i, widenHalf(i32x4.shr_s(i32x4.shl(word, 16), 16)))
  }
}

/** Four e4m3, sign-extended to i32, to f32. */
// @ts-ignore: decorator
@inline
function widenFp8(bytes: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bytes, 20), i32x4.splat(0x87f00000)), f32x4.splat(1.329227995784916e36))
}

/** A row of bytes as f32; `width` is a multiple of 4. */
export function decodeBytes(row: usize, isFp8: bool, width: u32, to: usize): void {
  const scale = v128.load32_splat(row)
  for (let d: usize = 0; d < width; d += 4) {
    const codes = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(row + 4 + d)))
    v128.store(to + (d << 2), f32x4.mul(scale, isFp8 ? widenFp8(codes) : f32x4.convert_i32x4_s(codes)))
  }
}

/** Rows key … key + count − 1, which lie in one block of 32, as f32. */
export function decodeKeys(args: usize, which: u32, batch: u32, head: u32, key: i32, count: i32, width: u32, to: usize): void {
  const storage = storageOf(args, which), isKey = which == K
  if (storage == INT8 || storage == FP8) {
    const stride = argument(args, isKey ? STRIDE_K + 2 : STRIDE_V + 2)
    const from = keyAddress(args, which, isKey ? STRIDE_K : STRIDE_V, batch, head, key, 0)
    for (let i = 0; i < count; i++) decodeBytes(from + i * stride, storage == FP8, width, to + ((<usize>i * width) << 2))
    return
  }
  if (key >= groupedEnd(args, which, batch)) {
    for (let i = 0; i < count; i++) {
      const from = recentAddress(args, which, batch, head, key + i, <usize>width << 1)
      for (let d: u32 = 0; d < width; d++) store<f32>(to + ((<usize>i * width + d) << 2), halfToFloat(load<u16>(from + (d << 1))))
    }
    return
  }
  const bits: u32 = storage == INT4 ? 4 : 2, mask = (<u32>1 << bits) - 1
  const group = groupAddress(args, which, batch, head, key), parameters = group + ((width * bits) << 2)
  for (let i = 0; i < count; i++) {
    const t: u32 = (key + i) % GROUP
    for (let d: u32 = 0; d < width; d++) {
      const at = isKey ? d * bits / 32 * GROUP + t : t * bits / 32 * width + d
      const code = (load<u32>(group + (at << 2)) >> ((isKey ? d : t) * bits % 32)) & mask
      const parameter = load<u32>(parameters + ((isKey ? d : d / GROUP * GROUP + t) << 2))
      store<f32>(to + ((<usize>i * width + d) << 2), halfToFloat(parameter & 0xffff) + <f32>code * halfToFloat(parameter >> 16))
    }
  }
}

/**
 * i16[n] such that x ≈ factor · i16, in the order of the codes of a word: for 4 bits 0 4 1 5 2 6 3 7 of each eight, for 2 bits 0 8 1 9 … of each
 * sixteen, for 8 bits as they come. `count` is a multiple of 8 (of 16 for 2 bits). Returns the factor.
 */
export function roundPairs(x: usize, count: u32, bits: u32, to: usize): f32 {
  let largest = f32x4.splat(0)
  for (let i: usize = 0; i < <usize>count << 2; i += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(x + i)))
  const most = max(max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)), max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)))
  // The reciprocal of smaller numbers would overflow.
  const inverse = f32x4.splat(most < 1e-30 ? 0 : 32767 / most)
  const step: usize = bits == 2 ? 16 : 8
  for (let i: usize = 0; i < count; i += step) {
    const a = roundFour(x + (i << 2), inverse), b = roundFour(x + (i << 2) + 16, inverse)
    if (bits == 8) v128.store(to + (i << 1), i16x8.narrow_i32x4_s(a, b))
    else if (bits == 4) {
      const all = i16x8.narrow_i32x4_s(a, b)
      v128.store(to + (i << 1), v128.shuffle<i16>(all, all, 0, 4, 1, 5, 2, 6, 3, 7))
    } else {
      const low = i16x8.narrow_i32x4_s(a, b), high = i16x8.narrow_i32x4_s(roundFour(x + (i << 2) + 32, inverse), roundFour(x + (i << 2) + 48, inverse))
      v128.store(to + (i << 1), v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11))
      v128.store(to + (i << 1) + 16, v128.shuffle<i16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15))
    }
  }
  return most < 1e-30 ? 0 : most / 32767
}

// @ts-ignore: decorator
@inline
function roundFour(x: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), inverse)))
}

/** scaled = x ∘ scales; returns Σ x · minima. `count` is a multiple of 4. */
export function scaleBy(x: usize, scales: usize, minima: usize, count: u32, scaled: usize): f32 {
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < <usize>count << 2; i += 16) {
    const value = v128.load(x + i)
    v128.store(scaled + i, f32x4.mul(value, v128.load(scales + i)))
    sum = madd(value, v128.load(minima + i), sum)
  }
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
}
