import { argument, halfToFloat, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

// Blocks to their values, the same as src/format gives: what is to be rounded again need not pass through the host.
//
// Arguments: blocks, values f32, number of blocks.

/** An f16; NaN where it is not finite, as the values of its block are then. */
@inline
function scaleAt(p: usize): v128 {
  const half = load<u16>(p)
  return f32x4.splat((half & 0x7c00) == 0x7c00 ? NaN : halfToFloat(half))
}

/** Sixteen whole numbers of 16 bits, times the scale, plus the least. */
@inline
function store16(to: usize, low: v128, high: v128, scale: v128, least: v128): void {
  v128.store(to, valueOf(i32x4.extend_low_i16x8_s(low), scale, least))
  v128.store(to, valueOf(i32x4.extend_high_i16x8_s(low), scale, least), 16)
  v128.store(to, valueOf(i32x4.extend_low_i16x8_s(high), scale, least), 32)
  v128.store(to, valueOf(i32x4.extend_high_i16x8_s(high), scale, least), 48)
}

@inline
function valueOf(codes: v128, scale: v128, least: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(codes), scale), least)
}

/** Nibbles less `shift`: the low ones, then the high ones. */
@inline
function storeNibbles(from: usize, to: usize, shift: v128, scale: v128, least: v128): void {
  const bytes = v128.load(from)
  const low = i8x16.sub(v128.and(bytes, i8x16.splat(15)), shift)
  const high = i8x16.sub(i8x16.shr_u(bytes, 4), shift)
  store16(to, i16x8.extend_low_i8x16_s(low), i16x8.extend_high_i8x16_s(low), scale, least)
  store16(to + 64, i16x8.extend_low_i8x16_s(high), i16x8.extend_high_i8x16_s(high), scale, least)
}

export function decodeQ40(args: usize, thread: u32, threads: u32): void {
  const blocks = argument(args, 2)
  const end = shareEnd(blocks, thread, threads)
  for (let block = shareBegin(blocks, thread, threads); block < end; block++) {
    const from: usize = <usize>argument(args, 0) + <usize>block * 18
    const to: usize = <usize>argument(args, 1) + ((<usize>block) << 7)
    // A −0 added changes nothing, zeros included.
    storeNibbles(from + 2, to, i8x16.splat(8), scaleAt(from), f32x4.splat(-0.0))
  }
}

export function decodeQ41(args: usize, thread: u32, threads: u32): void {
  const blocks = argument(args, 2)
  const end = shareEnd(blocks, thread, threads)
  for (let block = shareBegin(blocks, thread, threads); block < end; block++) {
    const from: usize = <usize>argument(args, 0) + <usize>block * 20
    const to: usize = <usize>argument(args, 1) + ((<usize>block) << 7)
    storeNibbles(from + 4, to, i8x16.splat(0), scaleAt(from), scaleAt(from + 2))
  }
}

export function decodeQ80(args: usize, thread: u32, threads: u32): void {
  const blocks = argument(args, 2)
  const end = shareEnd(blocks, thread, threads)
  const none = f32x4.splat(-0.0)
  for (let block = shareBegin(blocks, thread, threads); block < end; block++) {
    const from: usize = <usize>argument(args, 0) + <usize>block * 34
    const to: usize = <usize>argument(args, 1) + ((<usize>block) << 7)
    const scale = scaleAt(from)
    const a = v128.load(from, 2)
    const b = v128.load(from, 18)
    store16(to, i16x8.extend_low_i8x16_s(a), i16x8.extend_high_i8x16_s(a), scale, none)
    store16(to + 64, i16x8.extend_low_i8x16_s(b), i16x8.extend_high_i8x16_s(b), scale, none)
  }
}
