import { argument, floatToHalf, halfToFloat, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

// Four blocks are encoded at a time, one in each lane, so that every lane follows ggml step by step. The
// values of a block lie 16 bytes apart in scratch. Products and sums are never fused: the reference rounds each.
//
// Arguments: values f32, importance f32 or 0, out, blocks, blocks of a row, scratch of all threads, mean squares of
// rows or 0.

/** Scratch of a thread, in bytes from its beginning; one vector for each value, code or group. */
export const X: usize = 0
export const IMPORTANCE: usize = 4096
export const CODES: usize = 8192
export const WEIGHTS: usize = 12288
export const PRODUCTS: usize = 12800
export const TRIAL: usize = 13312
export const SCALES: usize = 13824
export const MINIMUMS: usize = 14080
export const GROUP_WEIGHTS: usize = 14336
export const SCALE_CODES: usize = 14592
export const MINIMUM_CODES: usize = 14848
/** Sums of a fit, and further results of functions that return a vector. */
export const SUMS: usize = 15104
/** Two f16 of each lane, as words: the scales, then 16 bytes later the minimums. */
export const HALVES: usize = 15168
export const TABLES: usize = 15200
/** Codes as bytes, 256 for each lane. */
export const BYTES: usize = 15360
export const SCRATCH_BYTES: u32 = 16384

@inline
export function scratchOf(args: usize, thread: u32): usize {
  return argument(args, 5) + thread * SCRATCH_BYTES
}

@inline
export function hasImportance(args: usize): bool {
  return argument(args, 1) != 0
}

/** First block of a thread's share, whole quads of blocks. */
@inline
export function beginOf(args: usize, thread: u32, threads: u32): u32 {
  return 4 * shareBegin((argument(args, 3) + 3) >> 2, thread, threads)
}

@inline
export function endOf(args: usize, thread: u32, threads: u32): u32 {
  return min<u32>(4 * shareEnd((argument(args, 3) + 3) >> 2, thread, threads), argument(args, 3))
}

/** Number of blocks from `block` on, at most four. */
@inline
export function lanesOf(args: usize, block: u32): u32 {
  return min<u32>(4, argument(args, 3) - block)
}

@inline
export function outOf(args: usize, block: u32, bytes: usize): usize {
  return argument(args, 2) + block * bytes
}

/**
 * Lays the values of the four blocks from `block` on, and their importance, into the lanes; lanes past the last block
 * repeat it.
 */
export function loadBlocks(args: usize, scratch: usize, block: u32, size: u32): void {
  const last = argument(args, 3) - 1
  const a = min<u32>(block, last)
  const b = min<u32>(block + 1, last)
  const c = min<u32>(block + 2, last)
  const d = min<u32>(block + 3, last)
  const values: usize = argument(args, 0)
  const bytes: usize = size << 2
  interleave(values + a * bytes, values + b * bytes, values + c * bytes, values + d * bytes, size, scratch + X)
  const importance: usize = argument(args, 1)
  const perRow = argument(args, 4)
  if (importance)
    interleave(
      importance + (a % perRow) * bytes,
      importance + (b % perRow) * bytes,
      importance + (c % perRow) * bytes,
      importance + (d % perRow) * bytes,
      size,
      scratch + IMPORTANCE,
    )
}

function interleave(a: usize, b: usize, c: usize, d: usize, count: u32, to: usize): void {
  for (const end = a + ((<usize>count) << 2); a < end; a += 16, b += 16, c += 16, d += 16, to += 64) {
    const va = v128.load(a)
    const vb = v128.load(b)
    const vc = v128.load(c)
    const vd = v128.load(d)
    const ab = v128.shuffle<i32>(va, vb, 0, 4, 1, 5)
    const cd = v128.shuffle<i32>(vc, vd, 0, 4, 1, 5)
    const ab2 = v128.shuffle<i32>(va, vb, 2, 6, 3, 7)
    const cd2 = v128.shuffle<i32>(vc, vd, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2))
    v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 16)
    v128.store(to, v128.shuffle<i64>(ab2, cd2, 0, 2), 32)
    v128.store(to, v128.shuffle<i64>(ab2, cd2, 1, 3), 48)
  }
}

/** Mean squares of the rows that hold the four blocks from `block` on. */
export function rowMeans(args: usize, block: u32): v128 {
  const last = argument(args, 3) - 1
  const perRow = argument(args, 4)
  const means: usize = argument(args, 6)
  let all = v128.load32_splat(means + ((min<u32>(block, last) / perRow) << 2))
  all = v128.load32_lane(means + ((min<u32>(block + 1, last) / perRow) << 2), all, 1)
  all = v128.load32_lane(means + ((min<u32>(block + 2, last) / perRow) << 2), all, 2)
  return v128.load32_lane(means + ((min<u32>(block + 3, last) / perRow) << 2), all, 3)
}

/**
 * Stores the mean square of each row, for types that weigh values by it. Arguments as above; blocks have 32 values.
 */
export function meanSquares(args: usize, thread: u32, threads: u32): void {
  const perRow = argument(args, 4)
  const rows = argument(args, 3) / perRow
  const means: usize = argument(args, 6)
  const columns = perRow << 5
  const rowBytes: usize = columns << 2
  for (let row = shareBegin(rows, thread, threads), end = shareEnd(rows, thread, threads); row < end; row++) {
    let x: usize = argument(args, 0) + row * rowBytes
    let sum: f32 = 0
    for (const stop = x + rowBytes; x < stop; x += 4) sum += load<f32>(x) * load<f32>(x)
    store<f32>(means + (row << 2), sum / <f32>columns)
  }
}

/** Rounds to f16: the bits of the lanes go to `bits` as words, the values are returned. */
export function toHalf(value: v128, bits: usize): v128 {
  v128.store(bits, value)
  for (let at = bits; at < bits + 16; at += 4) store<u32>(at, floatToHalf(load<f32>(at)))
  const half = v128.load(bits)
  let all = f32x4.splat(halfToFloat(i32x4.extract_lane(half, 0)))
  all = f32x4.replace_lane(all, 1, halfToFloat(i32x4.extract_lane(half, 1)))
  all = f32x4.replace_lane(all, 2, halfToFloat(i32x4.extract_lane(half, 2)))
  return f32x4.replace_lane(all, 3, halfToFloat(i32x4.extract_lane(half, 3)))
}
