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

// First pass of one token, as in sums.ts, by products of 16 bits: indices of levels, and nibbles where there are no
// products of 8 bits. None of them has halves.

/** Levels of the codes of two rows, or of the two after them, as 16 bits. */
@inline
function levelsOf(codes: i32, rows: i32, q: v128, table: v128, high: v128): v128 {
  if (codes == LEVELS) return rows == 0 ? lowerLevels(q, table, high) : upperLevels(q, table, high)
  const level = codes == IQ4 ? lookup(table, q) : q
  return rows == 0 ? i16x8.extend_low_i8x16_s(level) : i16x8.extend_high_i8x16_s(level)
}

/**
 * Sums of nibbles without halves and without high bits, each widened to 16 bits.
 */
@inline
function levelSums(codes: i32, layout: usize, p: usize, x: usize, blocks: i32, sums: usize): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const record = recordBytes(true, 1)
  const mask = nibbleMask()
  const table = codes == LEVELS ? v128.load(levelsAt(layout)) : iq4Table()
  const high = codes == LEVELS ? v128.load(levelsAt(layout), 16) : mask
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record, sums += 32) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
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
}

/** Sums of indices of 2 and 3 bits, which are decoded to bytes first. */
@inline
function crumbSums(codes: i32, layout: usize, p: usize, x: usize, blocks: i32, sums: usize, bytes: usize): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const record = recordBytes(true, 1)
  const table = v128.load(levelsAt(layout))
  const high = v128.load(levelsAt(layout), 16)
  const low = lowConstant(codes)
  const third = highConstant(codes)
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record, sums += 32) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    unpackBlock(codes, p, bytes, low, third)
    let a0 = i32x4.splat(0)
    let b0 = a0
    let a1 = a0
    let b1 = a0
    for (let q = bytes, r = x; q < bytes + 256; q += 32, r += 8) {
      const xt = v128.load64_splat(r)
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
}

export function sumsWideNibbles(layout: usize, p: usize, x: usize, blocks: i32, sums: usize): void {
  levelSums(NIBBLES, layout, p, x, blocks, sums)
}
export function sumsIQ4(layout: usize, p: usize, x: usize, blocks: i32, sums: usize): void {
  levelSums(IQ4, layout, p, x, blocks, sums)
}
export function sumsLevels(layout: usize, p: usize, x: usize, blocks: i32, sums: usize): void {
  levelSums(LEVELS, layout, p, x, blocks, sums)
}
export function sumsLevels2(layout: usize, p: usize, x: usize, blocks: i32, sums: usize, bytes: usize): void {
  crumbSums(CRUMBS, layout, p, x, blocks, sums, bytes)
}
export function sumsLevels3(layout: usize, p: usize, x: usize, blocks: i32, sums: usize, bytes: usize): void {
  crumbSums(OCTALS, layout, p, x, blocks, sums, bytes)
}
