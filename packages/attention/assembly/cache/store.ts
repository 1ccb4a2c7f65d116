import { argument, floatToHalf, halfToFloat, maxLanes, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { storeHalves } from './append'
import { pageOf } from './pages'

// Stores rows in packed caches with the codes of src/kv-format/codes.ts, which explains why no quotient decides a code.

/** Bits of 2^−100; rows with a smaller maximum become zeros. */
const SMALLEST: u32 = 0x0d800000

/**
 * Words: blocks, x, positions, batch, rows of x, heads, capacity, width, 1 for fp8, block table or 0, pages. Threads
 * share (b, i, h).
 */
export function kvStoreRows(args: usize, thread: u32, threads: u32): void {
  const length = argument(args, 4)
  const heads = argument(args, 5)
  const capacity: i32 = argument(args, 6)
  const width = argument(args, 7)
  const table: usize = argument(args, 9)
  const stride: usize = 4 + width
  const units = argument(args, 3) * length * heads
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const head = unit % heads
    const batch = unit / (heads * length)
    const row = load<i32>(argument(args, 2) + (batch << 2)) + <i32>((unit / heads) % length)
    if (row < 0 || (table == 0 && row >= capacity)) continue
    const page = table == 0 ? batch : pageOf(table, argument(args, 10), batch, row / capacity)
    const to = argument(args, 0) + ((<usize>page * heads + head) * capacity + (row % capacity)) * stride
    storeRow(argument(args, 1) + ((<usize>unit * width) << 2), width, argument(args, 8) != 0, to)
  }
}

function storeRow(x: usize, width: u32, isFp8: bool, to: usize): void {
  let most = f32x4.splat(0)
  for (let d: u32 = 0; d < width; d += 4) most = f32x4.max(most, f32x4.abs(v128.load(x + (d << 2))))
  const largest = maxLanes(most)
  const bits = reinterpret<u32>(largest)
  let scale: f32 = 0
  if (bits >= SMALLEST)
    scale = isFp8
      ? reinterpret<f32>((bits & 0x7f800000) - (7 << 23))
      : reinterpret<f32>((reinterpret<u32>(largest * (f32(1) / f32(127))) + 0x1ff) & ~0x1ff)
  store<f32>(to, scale)
  if (scale == 0) {
    memory.fill(to + 4, 0, width)
    return
  }
  const inverse: f32 = f32(1) / scale
  if (isFp8) {
    // A power of two has an exact inverse.
    for (let d: u32 = 0; d < width; d++) store<u8>(to + 4 + d, floatToFp8(load<f32>(x + (d << 2)) * inverse))
    return
  }
  for (let d: u32 = 0; d < width; d += 4) {
    const codes = i32x4.trunc_sat_f32x4_s(
      nearestCodes(v128.load(x + (d << 2)), f32x4.splat(scale), f32x4.splat(inverse)),
    )
    const halves = i16x8.narrow_i32x4_s(codes, codes)
    v128.store32_lane(to + 4 + d, i8x16.narrow_i16x8_s(halves, halves), 0)
  }
}

/** `nearestCode` for four values, clamped to −127 … 127. */
@inline
function nearestCodes(x: v128, scale: v128, inverse: v128): v128 {
  const half = f32x4.splat(0.5)
  const one = f32x4.splat(1)
  const code = f32x4.floor(f32x4.add(f32x4.mul(x, inverse), half))
  const below = f32x4.lt(x, f32x4.mul(f32x4.sub(code, half), scale))
  const above = f32x4.ge(x, f32x4.mul(f32x4.add(code, half), scale))
  const moved = f32x4.sub(f32x4.add(code, v128.and(above, one)), v128.and(below, one))
  return f32x4.max(f32x4.min(moved, f32x4.splat(127)), f32x4.splat(-127))
}

/** ⌊x / scale + ½⌋, at most `largest`; the estimate is off by at most one. */
function nearestCode(x: f32, scale: f32, inverse: f32, largest: i32): i32 {
  let code = floor(x * inverse + 0.5)
  if (x < (code - 0.5) * scale) code -= 1
  else if (x >= (code + 0.5) * scale) code += 1
  return min(largest, <i32>code)
}

/** Nearest e4m3, ties to even; magnitudes are below 256. */
function floatToFp8(value: f32): u32 {
  const bits = reinterpret<u32>(value)
  const sign = (bits >> 24) & 0x80
  const magnitude = bits & 0x7fffffff
  // Below 2^−6: the addition aligns the fraction to 2^−9 and rounds it.
  if (magnitude < 0x3c800000) return sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + 16384) - 0x46800000)
  return sign | ((magnitude - 0x3c000000 + 0x7ffff + ((magnitude >> 20) & 1)) >> 20)
}

/**
 * Words: blocks, batch, heads, groups, header words, group words, code words, recent words, recent rows, width, bits, 1
 * for groups along tokens. Threads share groups of heads.
 */
export function kvPackGroups(args: usize, thread: u32, threads: u32): void {
  const blocks: usize = argument(args, 0)
  const heads = argument(args, 2)
  const groups = argument(args, 3)
  const width = argument(args, 9)
  const recentRows = argument(args, 8)
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < argument(args, 1); batch++) {
    const end = min(groups, load<u32>(blocks + (batch << 3)) / 32)
    for (let group = load<u32>(blocks + (batch << 3), 4) / 32; group < end; group++) {
      for (let head = batch * heads; head < (batch + 1) * heads; head++) {
        if (turn++ % threads != thread) continue
        const to = blocks + ((<usize>argument(args, 4) + (<usize>head * groups + group) * argument(args, 5)) << 2)
        const recent =
          blocks +
          ((<usize>argument(args, 7)) << 2) +
          (<usize>head * recentRows + ((group * 32) % recentRows)) * width * 2
        packGroup(
          recent,
          width,
          argument(args, 10),
          argument(args, 11) != 0,
          to,
          to + (argument(args, 6) << 2),
          argument(args, 5) << 2,
        )
      }
    }
  }
}

/** The 32 rows are contiguous, because the ring has a multiple of 32 rows. */
function packGroup(
  recent: usize,
  width: u32,
  bits: u32,
  alongToken: bool,
  to: usize,
  parameters: usize,
  bytes: usize,
): void {
  memory.fill(to, 0, bytes)
  if (!alongToken) {
    for (let d: u32 = 0; d < width; d++)
      packMembers(
        recent + (d << 1),
        width << 1,
        32,
        bits,
        to + ((((d * bits) / 32) * 32) << 2),
        (d * bits) % 32,
        parameters + (d << 2),
      )
    return
  }
  for (let first: u32 = 0; first < width; first += 32) {
    for (let t: u32 = 0; t < 32; t++)
      packMembers(
        recent + ((t * width + first) << 1),
        2,
        min<u32>(32, width - first),
        bits,
        to + ((((t * bits) / 32) * width + first) << 2),
        (t * bits) % 32,
        parameters + ((first + t) << 2),
      )
  }
}

/** Packs `count` f16 numbers with a common minimum and scale, each into its own word at the same bit offset. */
function packMembers(from: usize, step: usize, count: u32, bits: u32, to: usize, shift: u32, parameter: usize): void {
  let smallest = halfToFloat(load<u16>(from))
  let largest = smallest
  for (let i: u32 = 1; i < count; i++) {
    const value = halfToFloat(load<u16>(from + i * step))
    smallest = min(smallest, value)
    largest = max(largest, value)
  }
  const codes = ((<u32>1) << bits) - 1
  let minimum = floatToHalf(smallest)
  if ((minimum & 0x7fff) == 0) minimum = 0
  const scaleBits = floatToHalf((largest - smallest) * (f32(1) / f32(codes)))
  store<u32>(parameter, minimum | (scaleBits << 16))
  const scale = halfToFloat(scaleBits)
  if (scale == 0) return
  const inverse: f32 = f32(1) / scale
  for (let i: u32 = 0; i < count; i++) {
    const code = max(nearestCode(halfToFloat(load<u16>(from + i * step)) - smallest, scale, inverse, codes), 0)
    store<u32>(to + (i << 2), load<u32>(to + (i << 2)) | ((<u32>code) << shift))
  }
}

/**
 * Words: blocks, x, positions, batch, rows of x, heads, capacity, width, recent words, recent rows. Stores rows in the
 * ring, as f16.
 */
export function kvStoreRecent(args: usize, thread: u32, threads: u32): void {
  const length = argument(args, 4)
  const heads = argument(args, 5)
  const width = argument(args, 7)
  const recentRows = argument(args, 9)
  const recent = argument(args, 0) + (argument(args, 8) << 2)
  const units = argument(args, 3) * length * heads
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const head = unit % heads
    const batch = unit / (heads * length)
    const row = load<i32>(argument(args, 2) + (batch << 2)) + <i32>((unit / heads) % length)
    if (row < 0 || row >= <i32>argument(args, 6)) continue
    const from = argument(args, 1) + ((<usize>unit * width) << 2)
    const to = recent + ((((<usize>batch * heads + head) * recentRows + (<u32>row % recentRows)) * width) << 1)
    storeHalves(to, from, width)
  }
}
