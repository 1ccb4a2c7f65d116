import { recordBytes } from '../activations'
import { highConstant, highNibbles, lowConstant, lowNibbles } from '../codes'
import { dot8, widened } from '../lanes'
import {
  blockBytesAt,
  E2M1,
  formAt,
  hasHalves,
  headBytesAt,
  isWide,
  NIBBLES_2,
  sumsInI16,
  superBlocksAt,
  superBytesAt,
} from '../layout'
import { nibbleSums } from './nibbles'
import { unpackedSums } from './wide'

// Sums of nibbles whose blocks have halves: those with two more bits, and E2M1 where its scales tell halves apart.

/** Codes of the t-th vector of one half. */
@inline
function halfCodes(codes: i32, half: i32, v: v128, bits: v128, t: i32, low: v128, high: v128): v128 {
  return half == 0 ? lowNibbles(codes, v, bits, t, low, high) : highNibbles(codes, v, bits, t, low, high)
}

/** One half of the columns of both quads: low nibbles or high ones. */
@inline
function halfSums(codes: i32, half: i32, p: usize, x: usize, low: v128, high: v128, sums: usize): void {
  const bits0 = codes == NIBBLES_2 ? v128.load(p + 128 + 32 * half) : low
  const bits1 = codes == NIBBLES_2 ? v128.load(p + 144 + 32 * half) : low
  const r = x + 16 * half
  let xt = v128.load32_splat(r)
  let a0 = dot8(xt, halfCodes(codes, half, v128.load(p), bits0, 0, low, high))
  let a1 = dot8(xt, halfCodes(codes, half, v128.load(p, 16), bits1, 0, low, high))
  xt = v128.load32_splat(r, 4)
  a0 = i16x8.add(a0, dot8(xt, halfCodes(codes, half, v128.load(p, 32), bits0, 1, low, high)))
  a1 = i16x8.add(a1, dot8(xt, halfCodes(codes, half, v128.load(p, 48), bits1, 1, low, high)))
  if (sumsInI16(codes) < 4) {
    v128.store(sums, widened(a0))
    v128.store(sums, widened(a1), 16)
    a0 = i16x8.splat(0)
    a1 = a0
  }
  xt = v128.load32_splat(r, 8)
  a0 = i16x8.add(a0, dot8(xt, halfCodes(codes, half, v128.load(p, 64), bits0, 2, low, high)))
  a1 = i16x8.add(a1, dot8(xt, halfCodes(codes, half, v128.load(p, 80), bits1, 2, low, high)))
  xt = v128.load32_splat(r, 12)
  a0 = widened(i16x8.add(a0, dot8(xt, halfCodes(codes, half, v128.load(p, 96), bits0, 3, low, high))))
  a1 = widened(i16x8.add(a1, dot8(xt, halfCodes(codes, half, v128.load(p, 112), bits1, 3, low, high))))
  if (sumsInI16(codes) < 4) {
    a0 = i32x4.add(v128.load(sums), a0)
    a1 = i32x4.add(v128.load(sums, 16), a1)
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
}

/** Adds the sums of a block's second half to those of the first: one scale serves both. */
@inline
export function joinHalves(sums: usize): void {
  v128.store(sums, i32x4.add(v128.load(sums), v128.load(sums, 32)))
  v128.store(sums, i32x4.add(v128.load(sums, 16), v128.load(sums, 48)), 16)
}

@inline
function halvedSums(
  codes: i32,
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const low = lowConstant(codes)
  const high = highConstant(codes)
  const record = recordBytes(false, 1)
  const last = distance * streams
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let q = p, to = sums; q < p + last; q += distance, to += span) {
      halfSums(codes, 0, q, x, low, high, to)
      halfSums(codes, 1, q, x, low, high, to + 32)
      if (!halves) joinHalves(to)
    }
    sums += halves ? 64 : 32
  }
}

export function sumsNibbles2(
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
  const halves = hasHalves(formAt(layout))
  if (isWide(NIBBLES_2)) unpackedSums(NIBBLES_2, layout, p, x, blocks, halves, sums, bytes)
  else halvedSums(NIBBLES_2, layout, p, streams, distance, x, blocks, halves, sums, span)
}
export function sumsE2M1(
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
  const halves = hasHalves(formAt(layout))
  if (isWide(E2M1)) unpackedSums(E2M1, layout, p, x, blocks, halves, sums, bytes)
  else if (halves) halvedSums(E2M1, layout, p, streams, distance, x, blocks, true, sums, span)
  else nibbleSums(E2M1, layout, p, streams, distance, x, blocks, sums, span)
}
