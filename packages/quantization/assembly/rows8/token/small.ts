import { crumbMask, thirdMask } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes } from '../activations'
import { crumbOf, lowConstant, octalOf } from '../codes'
import { dot8, widened } from '../lanes'
import {
  blockBytesAt,
  CRUMBS,
  formAt,
  hasHalves,
  headBytesAt,
  isWide,
  OCTALS,
  superBlocksAt,
  superBytesAt,
} from '../layout'
import { unpackedSums } from './wide'

// Sums of codes of 2 and 3 bits, with halves or without. Their products are so small that i16 holds the sums of a
// whole block.

/** Products of x with vectors `first` … `first + 3` of one quad, summed in pairs. */
@inline
function fourVectors(codes: i32, p: usize, x: usize, first: i32, low: v128, pair: v128, third: v128): v128 {
  const v0 = v128.load(p)
  const v1 = v128.load(p, 32)
  const v2 = codes == CRUMBS ? v1 : v128.load(p, 64)
  let sum = dot8(v128.load32_splat(x + 4 * first), smallCode(codes, v0, v1, v2, low, pair, third, first))
  sum = i16x8.add(
    sum,
    dot8(v128.load32_splat(x + 4 * first, 4), smallCode(codes, v0, v1, v2, low, pair, third, first + 1)),
  )
  sum = i16x8.add(
    sum,
    dot8(v128.load32_splat(x + 4 * first, 8), smallCode(codes, v0, v1, v2, low, pair, third, first + 2)),
  )
  return i16x8.add(
    sum,
    dot8(v128.load32_splat(x + 4 * first, 12), smallCode(codes, v0, v1, v2, low, pair, third, first + 3)),
  )
}

/** Codes of vector t (0 … 7) from the two or three vectors of a quad. */
@inline
function smallCode(codes: i32, v0: v128, v1: v128, v2: v128, low: v128, pair: v128, third: v128, t: i32): v128 {
  return codes == CRUMBS ? crumbOf(t < 4 ? v0 : v1, t & 3, low) : octalOf(v0, v1, v2, t, low, pair, third)
}

/** Sums of one quad, `halves` apart or together. */
@inline
function quadSums(codes: i32, p: usize, x: usize, halves: bool, low: v128, pair: v128, third: v128, sums: usize): void {
  const first = fourVectors(codes, p, x, 0, low, pair, third)
  const second = fourVectors(codes, p, x, 4, low, pair, third)
  if (halves) {
    v128.store(sums, widened(first))
    v128.store(sums, widened(second), 32)
  } else v128.store(sums, widened(i16x8.add(first, second)))
}

@inline
function smallSums(
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
  const pair = crumbMask()
  const third = thirdMask()
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
      quadSums(codes, q, x, halves, low, pair, third, to)
      quadSums(codes, q + 16, x, halves, low, pair, third, to + 16)
    }
    sums += halves ? 64 : 32
  }
}

export function sumsCrumbs(
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
  if (isWide(CRUMBS)) unpackedSums(CRUMBS, layout, p, x, blocks, halves, sums, bytes)
  else smallSums(CRUMBS, layout, p, streams, distance, x, blocks, halves, sums, span)
}
export function sumsOctals(
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
  if (isWide(OCTALS)) unpackedSums(OCTALS, layout, p, x, blocks, halves, sums, bytes)
  else smallSums(OCTALS, layout, p, streams, distance, x, blocks, halves, sums, span)
}
