import { crumbMask, lookup, nibbleMask, thirdMask } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes } from '../activations'
import { crumbOf, highConstant, highNibbles, lowConstant, lowNibbles, octalOf } from '../codes'
import { dotAdd } from '../lanes'
import {
  blockBytesAt,
  BYTES,
  codesAt,
  CRUMBS,
  formAt,
  hasHalves,
  hasLevels,
  headBytesAt,
  IQ4,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  levelsAt,
  NIBBLES_1,
  NIBBLES_2,
  OCTALS,
  superBlocksAt,
  superBytesAt,
  zeroAt,
} from '../layout'

// First pass of one token, as in sums.ts, where one instruction multiplies bytes and sums them in i32: nothing is
// widened, and no sum overflows. Where the instruction takes unsigned codes, signed ones become so by 128 more. Levels of
// 16 bits are two bytes, each with a sum of its own; the one that is not as the instruction takes it becomes so.

/** What these products subtract from codes; `shift` is the argument SHIFT. */
export function addZero(layout: usize, shift: i32): i32 {
  if (!hasLevels(codesAt(layout))) return zeroAt(layout) + shift
  return shift == 0 ? -128 : 128 << 8
}

@inline
function isSmall(codes: i32, bits: i32): bool {
  return bits == 2 ? codes == CRUMBS || codes == LEVELS_2 : codes == OCTALS || codes == LEVELS_3
}

/** Codes of vector t of the quad at p, those of BYTES with `low` added. Vectors are loaded anew for each use. */
@inline
function codesOf(codes: i32, p: usize, t: i32, low: v128, high: v128, pair: v128): v128 {
  if (codes == BYTES) return v128.xor(byteAt(p, t), low)
  if (isSmall(codes, 2)) return crumbOf(t < 4 ? v128.load(p) : v128.load(p, 32), t & 3, low)
  if (isSmall(codes, 3)) return octalOf(v128.load(p), v128.load(p, 32), v128.load(p, 64), t, low, pair, high)
  const v = nibblesAt(p, t & 3)
  if (codes == LEVELS) return v128.and(t < 4 ? v : i16x8.shr_u(v, 4), low)
  if (t < 4) return lowNibbles(codes, v, v128.load(p, 128), t, low, high)
  return highNibbles(codes, v, codes == NIBBLES_2 ? v128.load(p, 160) : v128.load(p, 128), t - 4, low, high)
}

@inline
function nibblesAt(p: usize, t: i32): v128 {
  if (t < 2) return t == 0 ? v128.load(p) : v128.load(p, 32)
  return t == 2 ? v128.load(p, 64) : v128.load(p, 96)
}

@inline
function byteAt(p: usize, t: i32): v128 {
  if (t < 4) return nibblesAt(p, t)
  if (t < 6) return t == 4 ? v128.load(p, 128) : v128.load(p, 160)
  return t == 6 ? v128.load(p, 192) : v128.load(p, 224)
}

/** Sums of a block, `halves` apart or together. */
@inline
function blockSums(codes: i32, p: usize, x: usize, halves: bool, low: v128, high: v128, pair: v128, sums: usize): void {
  const none = i32x4.splat(0)
  let xt = v128.load32_splat(x)
  let a0 = dotAdd(xt, codesOf(codes, p, 0, low, high, pair), none)
  let a1 = dotAdd(xt, codesOf(codes, p + 16, 0, low, high, pair), none)
  xt = v128.load32_splat(x, 16)
  let b0 = dotAdd(xt, codesOf(codes, p, 4, low, high, pair), none)
  let b1 = dotAdd(xt, codesOf(codes, p + 16, 4, low, high, pair), none)
  xt = v128.load32_splat(x, 4)
  a0 = dotAdd(xt, codesOf(codes, p, 1, low, high, pair), a0)
  a1 = dotAdd(xt, codesOf(codes, p + 16, 1, low, high, pair), a1)
  xt = v128.load32_splat(x, 20)
  b0 = dotAdd(xt, codesOf(codes, p, 5, low, high, pair), b0)
  b1 = dotAdd(xt, codesOf(codes, p + 16, 5, low, high, pair), b1)
  xt = v128.load32_splat(x, 8)
  a0 = dotAdd(xt, codesOf(codes, p, 2, low, high, pair), a0)
  a1 = dotAdd(xt, codesOf(codes, p + 16, 2, low, high, pair), a1)
  xt = v128.load32_splat(x, 24)
  b0 = dotAdd(xt, codesOf(codes, p, 6, low, high, pair), b0)
  b1 = dotAdd(xt, codesOf(codes, p + 16, 6, low, high, pair), b1)
  xt = v128.load32_splat(x, 12)
  a0 = dotAdd(xt, codesOf(codes, p, 3, low, high, pair), a0)
  a1 = dotAdd(xt, codesOf(codes, p + 16, 3, low, high, pair), a1)
  xt = v128.load32_splat(x, 28)
  b0 = dotAdd(xt, codesOf(codes, p, 7, low, high, pair), b0)
  b1 = dotAdd(xt, codesOf(codes, p + 16, 7, low, high, pair), b1)
  if (halves) {
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
  } else {
    v128.store(sums, i32x4.add(a0, b0))
    v128.store(sums, i32x4.add(a1, b1), 16)
  }
}

/** Sums of a block of indices: products with the low bytes of the levels and with the high ones. */
@inline
function levelSums(
  codes: i32,
  p: usize,
  x: usize,
  first: v128,
  second: v128,
  low: v128,
  high: v128,
  pair: v128,
  sums: usize,
): void {
  const none = i32x4.splat(0)
  let xt = v128.load32_splat(x)
  let q = codesOf(codes, p, 0, low, high, pair)
  let a0 = dotAdd(xt, lookup(first, q), none)
  let b0 = dotAdd(xt, lookup(second, q), none)
  q = codesOf(codes, p + 16, 0, low, high, pair)
  let a1 = dotAdd(xt, lookup(first, q), none)
  let b1 = dotAdd(xt, lookup(second, q), none)
  xt = v128.load32_splat(x, 4)
  q = codesOf(codes, p, 1, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 1, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  xt = v128.load32_splat(x, 8)
  q = codesOf(codes, p, 2, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 2, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  xt = v128.load32_splat(x, 12)
  q = codesOf(codes, p, 3, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 3, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  xt = v128.load32_splat(x, 16)
  q = codesOf(codes, p, 4, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 4, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  xt = v128.load32_splat(x, 20)
  q = codesOf(codes, p, 5, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 5, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  xt = v128.load32_splat(x, 24)
  q = codesOf(codes, p, 6, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 6, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  xt = v128.load32_splat(x, 28)
  q = codesOf(codes, p, 7, low, high, pair)
  a0 = dotAdd(xt, lookup(first, q), a0)
  b0 = dotAdd(xt, lookup(second, q), b0)
  q = codesOf(codes, p + 16, 7, low, high, pair)
  a1 = dotAdd(xt, lookup(first, q), a1)
  b1 = dotAdd(xt, lookup(second, q), b1)
  v128.store(sums, i32x4.add(i32x4.shl(b0, 8), a0))
  v128.store(sums, i32x4.add(i32x4.shl(b1, 8), a1), 16)
}

/**
 * Sums of every kind. `shift` is the address of the argument SHIFT; tables that it changes go by way of `bytes`: what is
 * loaded stays in a register, what is computed V8 computes in the loop.
 */
@inline
export function addedSums(
  codes: i32,
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const halves = hasHalves(formAt(layout))
  const record = recordBytes(false, 1)
  const last = distance * streams
  const flip = v128.load8_splat(shift)
  if (codes == IQ4) v128.store(bytes, v128.xor(highConstant(IQ4), flip))
  if (hasLevels(codes)) {
    v128.store(bytes, v128.xor(v128.load(levelsAt(layout)), v128.xor(flip, i8x16.splat(-128))))
    v128.store(bytes, v128.xor(v128.load(levelsAt(layout), 16), flip), 16)
  }
  const low =
    codes == BYTES
      ? flip
      : codes == LEVELS
        ? nibbleMask()
        : lowConstant(isSmall(codes, 2) ? CRUMBS : isSmall(codes, 3) ? OCTALS : codes)
  const high = codes == IQ4 ? v128.load(bytes) : isSmall(codes, 3) ? thirdMask() : highConstant(codes)
  const pair = crumbMask()
  const first = v128.load(bytes)
  const second = v128.load(bytes, 16)
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, x += record) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let q = p, to = sums; q < p + last; q += distance, to += span) {
      if (hasLevels(codes)) levelSums(codes, q, x, first, second, low, high, pair, to)
      else blockSums(codes, q, x, halves, low, high, pair, to)
    }
    sums += halves ? 64 : 32
  }
}
