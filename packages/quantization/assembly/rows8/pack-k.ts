import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { transposeQuad } from './pack'

// Packs ggml's super-blocks of 256 columns. Shared fields come first, then eight blocks: a head of scales, nibbles,
// high bits.

const Q4_K: i32 = 0
const Q5_K: i32 = 1
const Q6_K: i32 = 2

/**
 * Words: stored super-blocks, groups, rows, super-blocks of a row, bytes of a stored one, bytes of a group, which type.
 * Threads share groups; zeros stand for rows that the last one lacks.
 */
export function packSuperBlocks(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 2)
  const groups = (rows + 7) >> 3
  const blocks: i32 = argument(args, 3)
  const blockBytes: usize = argument(args, 4)
  const rowBytes = <usize>blocks * blockBytes
  const end = shareEnd(groups, thread, threads)
  const packedBytes: usize = argument(args, 5) / blocks
  for (let group = shareBegin(groups, thread, threads); group < end; group++) {
    const count = <i32>min<u32>(8, rows - (group << 3))
    let from: usize = argument(args, 0) + <usize>(group << 3) * rowBytes
    let to: usize = argument(args, 1) + <usize>group * argument(args, 5)
    if (count < 8) memory.fill(to, 0, argument(args, 5))
    for (let block = 0; block < blocks; block++, from += blockBytes, to += packedBytes)
      packSuperBlock(argument(args, 6), from, rowBytes, count, to)
  }
}

/**
 * Packs one super-block of `count` rows. A function of its own, because engines swap in optimized code only at the next
 * call.
 */
export function packSuperBlock(type: i32, from: usize, rowBytes: usize, count: i32, to: usize): void {
  const high: usize = type == Q5_K ? 32 : type == Q6_K ? 64 : 0
  for (let row = 0; row < count; row++) {
    const source = from + <usize>row * rowBytes
    const shared = to + ((<usize>row) << 1)
    store<u16>(shared, load<u16>(type == Q6_K ? source + 208 : source))
    if (type != Q6_K) store<u16>(shared + 16, load<u16>(source, 2))
  }
  to += type == Q6_K ? 16 : 32
  for (let index = 0; index < 8; index++, to += 144 + high) {
    for (let row = 0; row < count; row++) {
      const source = from + <usize>row * rowBytes
      const lane = to + <usize>row
      if (type == Q6_K) {
        store<u8>(lane, load<u8>(source + 192 + (index << 1)))
        store<u8>(lane + 8, load<u8>(source + 193 + (index << 1)))
        packHigh2(source + 128 + ((index >> 2) << 5), (index & 3) << 1, to + 144 + ((<usize>row) << 2))
      } else {
        packScales(source + 4, index, lane)
        if (type == Q5_K) packHigh1(source + 16, index, to + 144 + ((<usize>row) << 2))
      }
    }
    // Pairs of blocks share bytes of nibbles: neighbours in q4_k and q5_k, the next but one in q6_k.
    const isHigh = type == Q6_K ? (index & 2) != 0 : (index & 1) != 0
    const nibbles =
      from +
      (type == Q6_K ? <usize>((index >> 2) << 6) + ((index & 1) << 5) : (type == Q5_K ? 48 : 16) + ((index >> 1) << 5))
    for (let quad = 0; quad < 2; quad++) {
      const at = nibbles + <usize>(quad << 2) * rowBytes
      const rest = count - (quad << 2)
      const zero = i32x4.splat(0)
      transposeQuad(
        rest > 0 ? nibblesOf(at, isHigh) : zero,
        rest > 1 ? nibblesOf(at + rowBytes, isHigh) : zero,
        rest > 2 ? nibblesOf(at + 2 * rowBytes, isHigh) : zero,
        rest > 3 ? nibblesOf(at + 3 * rowBytes, isHigh) : zero,
        to + 16 + (quad << 4),
      )
    }
  }
}

/** The 32 nibbles of a block, columns 0 … 15 in the low ones of 16 bytes and 16 … 31 in the high ones. */
@inline
function nibblesOf(at: usize, isHigh: bool): v128 {
  const a = v128.load(at)
  const b = v128.load(at, 16)
  const mask = i8x16.splat(15)
  return isHigh ? v128.or(i8x16.shr_u(a, 4), v128.andnot(b, mask)) : v128.or(v128.and(a, mask), i8x16.shl(b, 4))
}

/** The 6 bits of scale and of minimum of block `index`: as ggml's get_scale_min_k4 finds them. */
@inline
function packScales(scales: usize, index: i32, lane: usize): void {
  const at = scales + (index & 3)
  const scale = load<u8>(at)
  const minimum = load<u8>(at, 4)
  const low = load<u8>(at, 8)
  store<u8>(lane, index < 4 ? scale & 63 : (low & 15) | ((scale >> 6) << 4))
  store<u8>(lane + 8, index < 4 ? minimum & 63 : (low >> 4) | ((minimum >> 6) << 4))
}

/** One high bit of 32 columns, bit `shift` of as many bytes: byte c of the word has that of column 4t + c in bit t. */
@inline
function packHigh1(high: usize, shift: i32, to: usize): void {
  const a = bitsOf(v128.load(high), shift, 1)
  const b = bitsOf(v128.load(high, 16), shift, 1)
  store<u32>(to, joinLanes(a, 1) | (joinLanes(b, 1) << 4))
}

/**
 * Two high bits of 32 columns: byte c of the first word has those of column 4t + c from bit 2t on, the second word has
 * columns 16 … 31.
 */
@inline
function packHigh2(high: usize, shift: i32, to: usize): void {
  store<u32>(to, joinLanes(bitsOf(v128.load(high), shift, 3), 2))
  store<u32>(to, joinLanes(bitsOf(v128.load(high, 16), shift, 3), 2), 32)
}

@inline
function bitsOf(bytes: v128, shift: i32, mask: i8): v128 {
  return v128.and(i8x16.shr_u(bytes, shift), i8x16.splat(mask))
}

/** Ors the four lanes, each shifted by `step` bits more than the one before. */
@inline
function joinLanes(v: v128, step: i32): u32 {
  return (
    <u32>i32x4.extract_lane(v, 0) |
    ((<u32>i32x4.extract_lane(v, 1)) << step) |
    ((<u32>i32x4.extract_lane(v, 2)) << (2 * step)) |
    ((<u32>i32x4.extract_lane(v, 3)) << (3 * step))
  )
}
