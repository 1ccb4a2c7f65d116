import { crumbMask, e2m1Table, highMask, iq4Table, lookup, nibbleMask, thirdMask } from '@tessera-llm/wasm/assembly/lib'
import { BYTES, CRUMBS, OCTALS, E2M1, IQ4, NIBBLES_1, NIBBLES_2 } from './layout'

// Codes as bytes, unsigned and below 128 (signed for BYTES and IQ4). `low` and `high` are constants of the storage
// kind.

/** Selects the low part of a code. */
@inline
export function lowConstant(codes: i32): v128 {
  return codes == CRUMBS ? crumbMask() : codes == OCTALS ? v128.or(crumbMask(), thirdMask()) : nibbleMask()
}

/** Selects the high part of a code, or maps codes to values. */
@inline
export function highConstant(codes: i32): v128 {
  return codes == IQ4
    ? iq4Table()
    : codes == E2M1
      ? e2m1Table()
      : codes == OCTALS
        ? thirdMask()
        : highMask(codes == NIBBLES_2 ? 2 : 1)
}

/** Codes of vector t (0 … 3) from nibble vector `v`; `bits` holds the quad's high bits. */
@inline
export function lowNibbles(codes: i32, v: v128, bits: v128, t: i32, low: v128, high: v128): v128 {
  const q = v128.and(v, low)
  if (codes == IQ4 || codes == E2M1) return lookup(high, q)
  if (codes == NIBBLES_1) return v128.or(q, v128.and(i16x8.shl(bits, 4 - t), high))
  if (codes == NIBBLES_2) return v128.or(q, v128.and(pairOf(bits, t), high))
  return q
}

/** Codes of vector 4 + t. */
@inline
export function highNibbles(codes: i32, v: v128, bits: v128, t: i32, low: v128, high: v128): v128 {
  const q = v128.and(i16x8.shr_u(v, 4), low)
  if (codes == IQ4 || codes == E2M1) return lookup(high, q)
  if (codes == NIBBLES_1) return v128.or(q, v128.and(t == 0 ? bits : i16x8.shr_u(bits, t), high))
  if (codes == NIBBLES_2) return v128.or(q, v128.and(pairOf(bits, t), high))
  return q
}

/** Bits 2t, 2t+1 of every byte at bits 4 and 5; the caller masks bits that crossed into the next byte. */
@inline
function pairOf(bits: v128, t: i32): v128 {
  return t < 2 ? i16x8.shl(bits, 4 - 2 * t) : t == 2 ? bits : i16x8.shr_u(bits, 2)
}

/** Codes of vector 4u + j from the u-th vector of crumbs. */
@inline
export function crumbOf(v: v128, j: i32, low: v128): v128 {
  return v128.and(j == 0 ? v : i16x8.shr_u(v, 2 * j), low)
}

/**
 * Codes of vector t (0 … 7) from the three vectors of octals. `low` selects bits 0 to 2 of a byte, `pair` bits 0 and 1,
 * `third` bit 2.
 */
@inline
export function octalOf(v0: v128, v1: v128, v2: v128, t: i32, low: v128, pair: v128, third: v128): v128 {
  if (t >= 6)
    return v128.or(v128.and(i16x8.shr_u(t == 6 ? v0 : v1, 6), pair), v128.and(i16x8.shr_u(v2, t == 6 ? 4 : 5), third))
  const v = t < 2 ? v0 : t < 4 ? v1 : v2
  return v128.and((t & 1) == 0 ? v : i16x8.shr_u(v, 3), low)
}

/** The codes of a block at `from` as bytes: 8 × (quad 0, quad 1) vectors at `to`. */
@inline
export function unpackBlock(codes: i32, from: usize, to: usize, low: v128, high: v128): void {
  if (codes == BYTES) {
    for (const end = to + 256; to < end; to += 32, from += 32) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
    }
    return
  }
  for (let quad = 0; quad < 2; quad++, from += 16, to += 16) {
    if (codes == CRUMBS) {
      for (let u = 0; u < 2; u++) {
        const v = v128.load(from + 32 * u)
        for (let j = 0; j < 4; j++) v128.store(to + 128 * u + 32 * j, crumbOf(v, j, low))
      }
    } else if (codes == OCTALS) {
      const pair = crumbMask()
      const v0 = v128.load(from)
      const v1 = v128.load(from, 32)
      const v2 = v128.load(from, 64)
      v128.store(to, octalOf(v0, v1, v2, 0, low, pair, high))
      v128.store(to, octalOf(v0, v1, v2, 1, low, pair, high), 32)
      v128.store(to, octalOf(v0, v1, v2, 2, low, pair, high), 64)
      v128.store(to, octalOf(v0, v1, v2, 3, low, pair, high), 96)
      v128.store(to, octalOf(v0, v1, v2, 4, low, pair, high), 128)
      v128.store(to, octalOf(v0, v1, v2, 5, low, pair, high), 160)
      v128.store(to, octalOf(v0, v1, v2, 6, low, pair, high), 192)
      v128.store(to, octalOf(v0, v1, v2, 7, low, pair, high), 224)
    } else {
      const bits = codes == NIBBLES_1 || codes == NIBBLES_2 ? v128.load(from, 128) : low
      const upper = codes == NIBBLES_2 ? v128.load(from, 160) : bits
      unpackNibbles(codes, v128.load(from), bits, upper, 0, to, low, high)
      unpackNibbles(codes, v128.load(from, 32), bits, upper, 1, to + 32, low, high)
      unpackNibbles(codes, v128.load(from, 64), bits, upper, 2, to + 64, low, high)
      unpackNibbles(codes, v128.load(from, 96), bits, upper, 3, to + 96, low, high)
    }
  }
}

@inline
function unpackNibbles(codes: i32, v: v128, bits: v128, upper: v128, t: i32, to: usize, low: v128, high: v128): void {
  v128.store(to, lowNibbles(codes, v, bits, t, low, high))
  v128.store(to, highNibbles(codes, v, upper, t, low, high), 128)
}
