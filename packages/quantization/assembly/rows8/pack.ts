import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { BYTES, NIBBLES_1 } from './layout'

/**
 * Words: stored blocks of 32 columns, groups, rows, blocks of a row, bytes of a stored block, bytes of a group, bytes
 * of a packed block's head, 1 where there are offsets, how codes are stored. A stored block is [scale f16] [offset f16]
 * [high bits u32] [16 bytes of nibbles, or 32 codes]. Threads share groups; zeros stand for rows that the last one
 * lacks.
 */
export function packBlocks(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 2)
  const groups = (rows + 7) >> 3
  const rowBytes: usize = argument(args, 3) * argument(args, 4)
  const end = shareEnd(groups, thread, threads)
  for (let group = shareBegin(groups, thread, threads); group < end; group++) {
    const from: usize = argument(args, 0) + <usize>(group << 3) * rowBytes
    packGroup(args, from, <i32>min<u32>(8, rows - (group << 3)), argument(args, 1) + <usize>group * argument(args, 5))
  }
}

/**
 * Packs a group of `count` rows. A function of its own, because engines swap in optimized code only at the next call.
 */
export function packGroup(args: usize, from: usize, count: i32, to: usize): void {
  const blocks: i32 = argument(args, 3)
  const headBytes: usize = argument(args, 6)
  const offsets = argument(args, 7)
  const codes: i32 = argument(args, 8)
  const blockBytes: usize = argument(args, 4)
  const rowBytes: usize = <usize>blocks * blockBytes
  const highAt: usize = offsets != 0 ? 4 : 2
  const codesAt = highAt + (codes == NIBBLES_1 ? 4 : 0)
  const packedBytes: usize = headBytes + (codes == BYTES ? 256 : codes == NIBBLES_1 ? 160 : 128)
  for (let block = 0; block < blocks; block++, from += blockBytes, to += packedBytes) {
    store4(to, quarterOf(from, rowBytes, count), quarterOf(from + (rowBytes << 2), rowBytes, count - 4))
    if (offsets != 0)
      store4(to + 16, quarterOf(from + 2, rowBytes, count), quarterOf(from + 2 + (rowBytes << 2), rowBytes, count - 4))
    let source = from + codesAt
    let target = to + headBytes
    packQuad(source, rowBytes, count, target)
    packQuad(source + (rowBytes << 2), rowBytes, count - 4, target + 16)
    if (codes == BYTES) {
      packQuad(source + 16, rowBytes, count, target + 128)
      packQuad(source + 16 + (rowBytes << 2), rowBytes, count - 4, target + 144)
    } else if (codes == NIBBLES_1) {
      for (let row = 0; row < 8; row++)
        store<u32>(
          target + 128 + ((<usize>row) << 2),
          row < count ? spread(load<u32>(from + highAt + <usize>row * rowBytes)) : 0,
        )
    }
  }
}

/** The f16 at `from` and in the same place of the next three rows, 0 from row `count` on. */
@inline
function quarterOf(from: usize, rowBytes: usize, count: i32): u64 {
  if (count >= 4)
    return (
      <u64>load<u16>(from) |
      ((<u64>load<u16>(from + rowBytes)) << 16) |
      ((<u64>load<u16>(from + (rowBytes << 1))) << 32) |
      ((<u64>load<u16>(from + rowBytes * 3)) << 48)
    )
  let bits: u64 = 0
  for (let row = 0; row < count; row++) bits |= (<u64>load<u16>(from + <usize>row * rowBytes)) << ((<u64>row) << 4)
  return bits
}

@inline
function store4(to: usize, low: u64, high: u64): void {
  store<u64>(to, low)
  store<u64>(to, high, 8)
}

/** Lays 16 bytes of four rows as four vectors, 32 bytes apart, whose lane r is row r. */
@inline
function packQuad(from: usize, rowBytes: usize, count: i32, to: usize): void {
  const zero = i32x4.splat(0)
  transposeQuad(
    count > 0 ? v128.load(from) : zero,
    count > 1 ? v128.load(from + rowBytes) : zero,
    count > 2 ? v128.load(from + (rowBytes << 1)) : zero,
    count > 3 ? v128.load(from + rowBytes * 3) : zero,
    to,
  )
}

@inline
export function transposeQuad(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 32)
  v128.store(to, v128.shuffle<i64>(ab2, cd2, 0, 2), 64)
  v128.store(to, v128.shuffle<i64>(ab2, cd2, 1, 3), 96)
}

/** The fifth bits of 32 codes: bit 4u + c becomes bit u of byte c. */
@inline
function spread(bits: u32): u32 {
  let bytes: u32 = 0
  for (let column: u32 = 0; column < 4; column++) {
    let x = (bits >> column) & 0x11111111
    x = (x | (x >> 3)) & 0x03030303
    x = (x | (x >> 6)) & 0x000f000f
    x = (x | (x >> 12)) & 0xff
    bytes |= x << (column << 3)
  }
  return bytes
}
