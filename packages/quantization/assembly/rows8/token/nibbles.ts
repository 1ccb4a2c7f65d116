import { recordBytes } from '../activations'
import { highConstant, highNibbles, lowConstant, lowNibbles } from '../codes'
import { dot8, widened } from '../lanes'
import {
  blockBytesAt,
  formAt,
  hasHalves,
  headBytesAt,
  isWide,
  NIBBLES,
  NIBBLES_1,
  sumsInI16,
  superBlocksAt,
  superBytesAt,
} from '../layout'
import { sumsWideNibbles } from './levels'
import { unpackedSums } from './wide'

// Sums of nibbles without halves, with one more bit or without, and of E2M1. Steps are written out for both quads at
// a time, with one splat of x alive: more of anything does not fit the registers.

/** A block of nibbles without halves. */
@inline
function nibbleBlock(codes: i32, p: usize, x: usize, low: v128, high: v128, sums: usize): void {
  const bits0 = codes == NIBBLES_1 ? v128.load(p, 128) : low
  const bits1 = codes == NIBBLES_1 ? v128.load(p, 144) : low
  let v0 = v128.load(p)
  let v1 = v128.load(p, 16)
  let xt = v128.load32_splat(x)
  let a0 = dot8(xt, lowNibbles(codes, v0, bits0, 0, low, high))
  let a1 = dot8(xt, lowNibbles(codes, v1, bits1, 0, low, high))
  xt = v128.load32_splat(x, 16)
  a0 = i16x8.add(a0, dot8(xt, highNibbles(codes, v0, bits0, 0, low, high)))
  a1 = i16x8.add(a1, dot8(xt, highNibbles(codes, v1, bits1, 0, low, high)))
  v0 = v128.load(p, 32)
  v1 = v128.load(p, 48)
  xt = v128.load32_splat(x, 4)
  a0 = i16x8.add(a0, dot8(xt, lowNibbles(codes, v0, bits0, 1, low, high)))
  a1 = i16x8.add(a1, dot8(xt, lowNibbles(codes, v1, bits1, 1, low, high)))
  xt = v128.load32_splat(x, 20)
  a0 = i16x8.add(a0, dot8(xt, highNibbles(codes, v0, bits0, 1, low, high)))
  a1 = i16x8.add(a1, dot8(xt, highNibbles(codes, v1, bits1, 1, low, high)))
  if (sumsInI16(codes) < 8) {
    v128.store(sums, widened(a0))
    v128.store(sums, widened(a1), 16)
    a0 = i16x8.splat(0)
    a1 = a0
  }
  v0 = v128.load(p, 64)
  v1 = v128.load(p, 80)
  xt = v128.load32_splat(x, 8)
  a0 = i16x8.add(a0, dot8(xt, lowNibbles(codes, v0, bits0, 2, low, high)))
  a1 = i16x8.add(a1, dot8(xt, lowNibbles(codes, v1, bits1, 2, low, high)))
  xt = v128.load32_splat(x, 24)
  a0 = i16x8.add(a0, dot8(xt, highNibbles(codes, v0, bits0, 2, low, high)))
  a1 = i16x8.add(a1, dot8(xt, highNibbles(codes, v1, bits1, 2, low, high)))
  v0 = v128.load(p, 96)
  v1 = v128.load(p, 112)
  xt = v128.load32_splat(x, 12)
  a0 = i16x8.add(a0, dot8(xt, lowNibbles(codes, v0, bits0, 3, low, high)))
  a1 = i16x8.add(a1, dot8(xt, lowNibbles(codes, v1, bits1, 3, low, high)))
  xt = v128.load32_splat(x, 28)
  a0 = widened(i16x8.add(a0, dot8(xt, highNibbles(codes, v0, bits0, 3, low, high))))
  a1 = widened(i16x8.add(a1, dot8(xt, highNibbles(codes, v1, bits1, 3, low, high))))
  if (sumsInI16(codes) < 8) {
    a0 = i32x4.add(v128.load(sums), a0)
    a1 = i32x4.add(v128.load(sums, 16), a1)
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
}

/** Nibbles without halves. */
@inline
export function nibbleSums(
  codes: i32,
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const low = lowConstant(codes)
  const high = highConstant(codes)
  const record = recordBytes(false, 1)
  const end = sums + (blocks << 5)
  const last = distance * streams
  p += headBytesAt(layout)
  for (let left = 0; sums < end; sums += 32, p += block, x += record) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let q = p, to = sums; q < p + last; q += distance, to += span) nibbleBlock(codes, q, x, low, high, to)
  }
}

export function sumsNibbles(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(NIBBLES)) sumsWideNibbles(layout, p, streams, distance, x, blocks, sums, span, bytes)
  else nibbleSums(NIBBLES, layout, p, streams, distance, x, blocks, sums, span)
}
export function sumsNibbles1(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(NIBBLES_1)) unpackedSums(NIBBLES_1, layout, p, x, blocks, hasHalves(formAt(layout)), sums, bytes)
  else nibbleSums(NIBBLES_1, layout, p, streams, distance, x, blocks, sums, span)
}
