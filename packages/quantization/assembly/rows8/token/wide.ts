import { recordBytes } from '../activations'
import { highConstant, lowConstant, unpackBlock } from '../codes'
import { addPairs, dot16 } from '../lanes'
import { blockBytesAt, headBytesAt, superBlocksAt, superBytesAt } from '../layout'
import { joinHalves } from './halves'

// Sums of 16-bit products: codes of 8 bits, and others where there are no products of 8 bits.

/**
 * Byte codes and 16-bit activations: four vectors of both quads from `p` on. Lanes hold two column pairs of two rows.
 */
@inline
function wideHalf(p: usize, x: usize, sums: usize): void {
  let xt = v128.load64_splat(x)
  let a0 = dot16(xt, v128.load8x8_s(p))
  let b0 = dot16(xt, v128.load8x8_s(p, 8))
  let a1 = dot16(xt, v128.load8x8_s(p, 16))
  let b1 = dot16(xt, v128.load8x8_s(p, 24))
  xt = v128.load64_splat(x, 8)
  a0 = i32x4.add(a0, dot16(xt, v128.load8x8_s(p, 32)))
  b0 = i32x4.add(b0, dot16(xt, v128.load8x8_s(p, 40)))
  a1 = i32x4.add(a1, dot16(xt, v128.load8x8_s(p, 48)))
  b1 = i32x4.add(b1, dot16(xt, v128.load8x8_s(p, 56)))
  xt = v128.load64_splat(x, 16)
  a0 = i32x4.add(a0, dot16(xt, v128.load8x8_s(p, 64)))
  b0 = i32x4.add(b0, dot16(xt, v128.load8x8_s(p, 72)))
  a1 = i32x4.add(a1, dot16(xt, v128.load8x8_s(p, 80)))
  b1 = i32x4.add(b1, dot16(xt, v128.load8x8_s(p, 88)))
  xt = v128.load64_splat(x, 24)
  a0 = i32x4.add(a0, dot16(xt, v128.load8x8_s(p, 96)))
  b0 = i32x4.add(b0, dot16(xt, v128.load8x8_s(p, 104)))
  a1 = i32x4.add(a1, dot16(xt, v128.load8x8_s(p, 112)))
  b1 = i32x4.add(b1, dot16(xt, v128.load8x8_s(p, 120)))
  v128.store(sums, addPairs(a0, b0))
  v128.store(sums, addPairs(a1, b1), 16)
}

/** Sums of codes of 8 bits, which need no decoding. */
export function byteSums(
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
  const record = recordBytes(true, 1)
  const last = distance * streams
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record, sums += 32) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let from = p, to = sums; from < p + last; from += distance, to += span) {
      let xt = v128.load64_splat(x)
      let a0 = dot16(xt, v128.load8x8_s(from))
      let b0 = dot16(xt, v128.load8x8_s(from, 8))
      let a1 = dot16(xt, v128.load8x8_s(from, 16))
      let b1 = dot16(xt, v128.load8x8_s(from, 24))
      for (let q = from + 32, r = x + 8; q < from + 256; q += 32, r += 8) {
        xt = v128.load64_splat(r)
        a0 = i32x4.add(a0, dot16(xt, v128.load8x8_s(q)))
        b0 = i32x4.add(b0, dot16(xt, v128.load8x8_s(q, 8)))
        a1 = i32x4.add(a1, dot16(xt, v128.load8x8_s(q, 16)))
        b1 = i32x4.add(b1, dot16(xt, v128.load8x8_s(q, 24)))
      }
      v128.store(to, addPairs(a0, b0))
      v128.store(to, addPairs(a1, b1), 16)
    }
  }
}

/** Sums of codes of any kind as products of 16 bits: decodes each block to bytes at `bytes` first. */
@inline
export function unpackedSums(
  codes: i32,
  layout: usize,
  p: usize,
  x: usize,
  blocks: i32,
  halves: bool,
  sums: usize,
  bytes: usize,
): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const low = lowConstant(codes)
  const high = highConstant(codes)
  const record = recordBytes(true, 1)
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    unpackBlock(codes, p, bytes, low, high)
    wideHalf(bytes, x, sums)
    wideHalf(bytes + 128, x + 32, sums + 32)
    if (!halves) joinHalves(sums)
    sums += halves ? 64 : 32
  }
}
