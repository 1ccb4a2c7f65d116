import { recordBytes } from './activations'
import { crumbs, highConstant, highNibbles, lowConstant, lowNibbles, unpackBlock } from './codes'
import { addPairs } from './lanes'
import { sumsIQ4, sumsLevels, sumsLevels2, sumsLevels3, sumsWideNibbles } from './token-levels'
import {
  BYTES,
  CRUMBS,
  CRUMBS_1,
  E2M1,
  IQ4,
  isWide,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
  sumsInI16,
} from './layout'

// First pass of one token times a group of 8 rows: the integer sum of each block, as i32: quad 0, quad 1 (32 bytes); or
// those of the first half of the columns, then of the second (64 bytes). One function for each way to store codes:
// engines allocate registers for one function at a time. `p` is the group's first byte.

/** 16 products of signed x and codes below 128, summed in pairs to i16. */
@inline
export function dot8(x: v128, codes: v128): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return x
  return i16x8.relaxed_dot_i8x16_i7x16_s(x, codes)
}

/** 8 products of 16-bit values, summed in pairs to i32. */
@inline
export function dot16(x: v128, codes: v128): v128 {
  return i32x4.dot_i16x8_s(x, codes)
}

@inline
function widened(a: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(a)
}

// Steps are written out for both quads at a time, with one splat of x alive: more of anything does not fit the
// registers.

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
function nibbleSums(
  codes: i32,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  sums: usize,
  span: usize,
): void {
  const low = lowConstant(codes)
  const high = highConstant(codes)
  const record = recordBytes(false, 1)
  const end = sums + (blocks << 5)
  const last = distance * streams
  p += head
  for (let left = 0; sums < end; sums += 32, p += block, x += record) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let q = p, to = sums; q < p + last; q += distance, to += span) nibbleBlock(codes, q, x, low, high, to)
  }
}

/** Codes of the t-th vector of one half. */
@inline
function halfCodes(codes: i32, half: i32, v: v128, bits: v128, t: i32, low: v128, high: v128): v128 {
  if (codes == CRUMBS || codes == CRUMBS_1) return crumbs(codes, v, bits, t, low, high)
  return half == 0 ? lowNibbles(codes, v, bits, t, low, high) : highNibbles(codes, v, bits, t, low, high)
}

/** One half of the columns of both quads. Nibbles of a half lie in four vectors, crumbs in one. */
@inline
function halfSums(codes: i32, half: i32, p: usize, x: usize, low: v128, high: v128, sums: usize): void {
  const crumb = codes == CRUMBS || codes == CRUMBS_1
  let bits0 = low
  let bits1 = low
  if (codes == NIBBLES_2) {
    bits0 = v128.load(p + 128 + 32 * half)
    bits1 = v128.load(p + 144 + 32 * half)
  }
  if (codes == CRUMBS_1) {
    bits0 = v128.load(p, 64)
    bits1 = v128.load(p, 80)
    if (half == 1) {
      bits0 = i16x8.shr_u(bits0, 4)
      bits1 = i16x8.shr_u(bits1, 4)
    }
  }
  const from = crumb ? p + 32 * half : p
  const r = x + 16 * half
  let v0 = v128.load(from)
  let v1 = v128.load(from, 16)
  let xt = v128.load32_splat(r)
  let a0 = dot8(xt, halfCodes(codes, half, v0, bits0, 0, low, high))
  let a1 = dot8(xt, halfCodes(codes, half, v1, bits1, 0, low, high))
  if (!crumb) {
    v0 = v128.load(from, 32)
    v1 = v128.load(from, 48)
  }
  xt = v128.load32_splat(r, 4)
  a0 = i16x8.add(a0, dot8(xt, halfCodes(codes, half, v0, bits0, 1, low, high)))
  a1 = i16x8.add(a1, dot8(xt, halfCodes(codes, half, v1, bits1, 1, low, high)))
  if (sumsInI16(codes) < 4) {
    v128.store(sums, widened(a0))
    v128.store(sums, widened(a1), 16)
    a0 = i16x8.splat(0)
    a1 = a0
  }
  if (!crumb) {
    v0 = v128.load(from, 64)
    v1 = v128.load(from, 80)
  }
  xt = v128.load32_splat(r, 8)
  a0 = i16x8.add(a0, dot8(xt, halfCodes(codes, half, v0, bits0, 2, low, high)))
  a1 = i16x8.add(a1, dot8(xt, halfCodes(codes, half, v1, bits1, 2, low, high)))
  if (!crumb) {
    v0 = v128.load(from, 96)
    v1 = v128.load(from, 112)
  }
  xt = v128.load32_splat(r, 12)
  a0 = widened(i16x8.add(a0, dot8(xt, halfCodes(codes, half, v0, bits0, 3, low, high))))
  a1 = widened(i16x8.add(a1, dot8(xt, halfCodes(codes, half, v1, bits1, 3, low, high))))
  if (sumsInI16(codes) < 4) {
    a0 = i32x4.add(v128.load(sums), a0)
    a1 = i32x4.add(v128.load(sums, 16), a1)
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
}

/** The two halves of a block, which lie one after the other, made one, as scales do not tell them apart. */
@inline
function joinHalves(sums: usize): void {
  v128.store(sums, i32x4.add(v128.load(sums), v128.load(sums, 32)))
  v128.store(sums, i32x4.add(v128.load(sums, 16), v128.load(sums, 48)), 16)
}

@inline
function halvedSums(
  codes: i32,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
): void {
  const low = lowConstant(codes)
  const high = highConstant(codes)
  const record = recordBytes(false, 1)
  const last = distance * streams
  p += head
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

/** Codes of 8 bits where they lie. */
export function byteSums(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  sums: usize,
  span: usize,
): void {
  const record = recordBytes(true, 1)
  const last = distance * streams
  p += head
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

/** Codes of any kind that are multiplied as 16 bits: each block is decoded to bytes at `bytes` first. */
@inline
function unpackedSums(
  codes: i32,
  p: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  bytes: usize,
): void {
  const low = lowConstant(codes)
  const high = highConstant(codes)
  const record = recordBytes(true, 1)
  p += head
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

// The functions. Those of 8-bit products are not called where there are none.

export function sumsNibbles(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(NIBBLES)) sumsWideNibbles(p, x, blocks, head, block, superBytes, superBlocks, sums)
  else nibbleSums(NIBBLES, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, sums, span)
}
export function sumsNibbles1(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(NIBBLES_1))
    unpackedSums(NIBBLES_1, p, x, blocks, head, block, superBytes, superBlocks, halves, sums, bytes)
  else nibbleSums(NIBBLES_1, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, sums, span)
}
export function sumsNibbles2(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(NIBBLES_2))
    unpackedSums(NIBBLES_2, p, x, blocks, head, block, superBytes, superBlocks, halves, sums, bytes)
  else halvedSums(NIBBLES_2, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, halves, sums, span)
}
export function sumsE2M1(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(E2M1)) unpackedSums(E2M1, p, x, blocks, head, block, superBytes, superBlocks, halves, sums, bytes)
  else if (halves)
    halvedSums(E2M1, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, true, sums, span)
  else nibbleSums(E2M1, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, sums, span)
}
export function sumsCrumbs(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(CRUMBS)) unpackedSums(CRUMBS, p, x, blocks, head, block, superBytes, superBlocks, halves, sums, bytes)
  else halvedSums(CRUMBS, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, halves, sums, span)
}
export function sumsCrumbs1(
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  if (isWide(CRUMBS_1)) unpackedSums(CRUMBS_1, p, x, blocks, head, block, superBytes, superBlocks, halves, sums, bytes)
  else halvedSums(CRUMBS_1, p, streams, distance, x, blocks, head, block, superBytes, superBlocks, halves, sums, span)
}

/**
 * Whether groups with such codes can be met side by side: where products are those of 8 bits, and for codes of 8 bits.
 */
export function areSideBySide(codes: i32): bool {
  switch (codes) {
    case BYTES:
      return true
    case NIBBLES:
    case NIBBLES_1:
    case NIBBLES_2:
    case E2M1:
    case CRUMBS:
    case CRUMBS_1:
      return !isWide(codes)
    default:
      return false
  }
}

/**
 * The sums of one token and `streams` groups, block by block: the groups lie `distance` apart, the sums of the next one
 * `span` bytes further. One group unless codes `areSideBySide`. `bytes` are 256 bytes of scratch, `levels` as in the
 * layout.
 */
export function tokenSums(
  codes: i32,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  halves: bool,
  sums: usize,
  span: usize,
  bytes: usize,
  levels: usize,
): void {
  switch (codes) {
    case BYTES:
      return byteSums(p, streams, distance, x, blocks, head, block, superBytes, superBlocks, sums, span)
    case NIBBLES:
      return sumsNibbles(
        p,
        streams,
        distance,
        x,
        blocks,
        head,
        block,
        superBytes,
        superBlocks,
        halves,
        sums,
        span,
        bytes,
      )
    case NIBBLES_1:
      return sumsNibbles1(
        p,
        streams,
        distance,
        x,
        blocks,
        head,
        block,
        superBytes,
        superBlocks,
        halves,
        sums,
        span,
        bytes,
      )
    case NIBBLES_2:
      return sumsNibbles2(
        p,
        streams,
        distance,
        x,
        blocks,
        head,
        block,
        superBytes,
        superBlocks,
        halves,
        sums,
        span,
        bytes,
      )
    case E2M1:
      return sumsE2M1(p, streams, distance, x, blocks, head, block, superBytes, superBlocks, halves, sums, span, bytes)
    case IQ4:
      return sumsIQ4(p, x, blocks, head, block, superBytes, superBlocks, sums)
    case LEVELS:
      return sumsLevels(p, x, blocks, head, block, superBytes, superBlocks, sums, levels)
    case LEVELS_2:
      return sumsLevels2(p, x, blocks, head, block, superBytes, superBlocks, sums, bytes, levels)
    case LEVELS_3:
      return sumsLevels3(p, x, blocks, head, block, superBytes, superBlocks, sums, bytes, levels)
    case CRUMBS:
      return sumsCrumbs(
        p,
        streams,
        distance,
        x,
        blocks,
        head,
        block,
        superBytes,
        superBlocks,
        halves,
        sums,
        span,
        bytes,
      )
    default:
      sumsCrumbs1(p, streams, distance, x, blocks, head, block, superBytes, superBlocks, halves, sums, span, bytes)
  }
}
