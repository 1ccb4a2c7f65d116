import { iq4Table, lookup, nibbleMask } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes } from '../activations'
import { highConstant, lowConstant, unpackBlock } from '../codes'
import { addPairs, dot16 } from '../lanes'
import {
  blockBytesAt,
  CRUMBS,
  headBytesAt,
  IQ4,
  LEVELS,
  levelsAt,
  NIBBLES,
  OCTALS,
  superBlocksAt,
  superBytesAt,
} from '../layout'
import { lowerLevels, upperLevels } from '../levels'

// First pass of one token, as in sums.ts, by products of 16 bits: indices of levels, and nibbles and IQ4 where there are
// no products of 8 bits. None of them has halves.

/** Levels of the codes of two rows, or of the two after them, as 16 bits. */
@inline
function levelsOf(codes: i32, rows: i32, q: v128, table: v128, high: v128): v128 {
  if (codes == LEVELS) return rows == 0 ? lowerLevels(q, table, high) : upperLevels(q, table, high)
  const level = codes == IQ4 ? lookup(table, q) : q
  return rows == 0 ? i16x8.extend_low_i8x16_s(level) : i16x8.extend_high_i8x16_s(level)
}

/** Sums of a block of nibbles, each widened to 16 bits, or of their levels. */
@inline
function levelBlock(codes: i32, p: usize, x: usize, mask: v128, table: v128, high: v128, sums: usize): void {
  let a0 = i32x4.splat(0)
  let b0 = a0
  let a1 = a0
  let b1 = a0
  for (let q = p, r = x; q < p + 128; q += 32, r += 8) {
    let v0 = v128.load(q)
    let v1 = v128.load(q, 16)
    let c = v128.and(v0, mask)
    let xt = v128.load64_splat(r)
    a0 = i32x4.add(a0, dot16(xt, levelsOf(codes, 0, c, table, high)))
    b0 = i32x4.add(b0, dot16(xt, levelsOf(codes, 1, c, table, high)))
    c = v128.and(v1, mask)
    a1 = i32x4.add(a1, dot16(xt, levelsOf(codes, 0, c, table, high)))
    b1 = i32x4.add(b1, dot16(xt, levelsOf(codes, 1, c, table, high)))
    xt = v128.load64_splat(r, 32)
    c = v128.and(i16x8.shr_u(v0, 4), mask)
    a0 = i32x4.add(a0, dot16(xt, levelsOf(codes, 0, c, table, high)))
    b0 = i32x4.add(b0, dot16(xt, levelsOf(codes, 1, c, table, high)))
    c = v128.and(i16x8.shr_u(v1, 4), mask)
    a1 = i32x4.add(a1, dot16(xt, levelsOf(codes, 0, c, table, high)))
    b1 = i32x4.add(b1, dot16(xt, levelsOf(codes, 1, c, table, high)))
  }
  v128.store(sums, addPairs(a0, b0))
  v128.store(sums, addPairs(a1, b1), 16)
}

/** Sums of codes of one kind; CRUMBS and OCTALS are indices here. `bytes` are 256 bytes of scratch. */
@inline
function levelSums(
  codes: i32,
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
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const record = recordBytes(true, 1)
  const mask = codes == LEVELS ? nibbleMask() : lowConstant(codes)
  const third = highConstant(codes)
  const table = codes == IQ4 ? iq4Table() : v128.load(levelsAt(layout))
  const high = v128.load(levelsAt(layout), 16)
  const last = distance * streams
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record, sums += 32) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let from = p, to = sums; from < p + last; from += distance, to += span) {
      if (codes == CRUMBS) crumbBlock(from, x, mask, table, high, to)
      else if (codes == OCTALS) octalBlock(from, x, mask, third, table, high, bytes, to)
      else levelBlock(codes, from, x, mask, table, high, to)
    }
  }
}

/** Sums of a block of indices of 2 bits. */
@inline
function crumbBlock(p: usize, x: usize, mask: v128, table: v128, high: v128, sums: usize): void {
  let a0 = i32x4.splat(0)
  let b0 = a0
  let a1 = a0
  let b1 = a0
  for (const last = p + 64; p < last; p += 32) {
    let v0 = v128.load(p)
    let v1 = v128.load(p, 16)
    for (const end = x + 32; x < end; x += 8) {
      const xt = v128.load64_splat(x)
      let c = v128.and(v0, mask)
      a0 = i32x4.add(a0, dot16(xt, lowerLevels(c, table, high)))
      b0 = i32x4.add(b0, dot16(xt, upperLevels(c, table, high)))
      c = v128.and(v1, mask)
      a1 = i32x4.add(a1, dot16(xt, lowerLevels(c, table, high)))
      b1 = i32x4.add(b1, dot16(xt, upperLevels(c, table, high)))
      v0 = i16x8.shr_u(v0, 2)
      v1 = i16x8.shr_u(v1, 2)
    }
  }
  v128.store(sums, addPairs(a0, b0))
  v128.store(sums, addPairs(a1, b1), 16)
}

/** Sums of a block of indices of 3 bits, which are decoded to bytes first. */
@inline
function octalBlock(
  p: usize,
  x: usize,
  mask: v128,
  third: v128,
  table: v128,
  high: v128,
  bytes: usize,
  sums: usize,
): void {
  unpackBlock(OCTALS, p, bytes, mask, third)
  let a0 = i32x4.splat(0)
  let b0 = a0
  let a1 = a0
  let b1 = a0
  for (let q = bytes; q < bytes + 256; q += 32, x += 8) {
    const xt = v128.load64_splat(x)
    let c = v128.load(q)
    a0 = i32x4.add(a0, dot16(xt, lowerLevels(c, table, high)))
    b0 = i32x4.add(b0, dot16(xt, upperLevels(c, table, high)))
    c = v128.load(q, 16)
    a1 = i32x4.add(a1, dot16(xt, lowerLevels(c, table, high)))
    b1 = i32x4.add(b1, dot16(xt, upperLevels(c, table, high)))
  }
  v128.store(sums, addPairs(a0, b0))
  v128.store(sums, addPairs(a1, b1), 16)
}

export function sumsWideNibbles(
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
  if (!ASC_FEATURE_RELAXED_SIMD) levelSums(NIBBLES, layout, p, streams, distance, x, blocks, sums, span, bytes)
}
export function sumsIQ4(
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
  if (!ASC_FEATURE_RELAXED_SIMD) levelSums(IQ4, layout, p, streams, distance, x, blocks, sums, span, bytes)
}
export function sumsLevels(
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
  levelSums(LEVELS, layout, p, streams, distance, x, blocks, sums, span, bytes)
}
export function sumsLevels2(
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
  levelSums(CRUMBS, layout, p, streams, distance, x, blocks, sums, span, bytes)
}
export function sumsLevels3(
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
  levelSums(OCTALS, layout, p, streams, distance, x, blocks, sums, span, bytes)
}
