import { crumbMask, e2m1Table, highMask, iq4Table, lookup, nibbleMask, thirdMask } from '@tessera-llm/wasm/assembly/lib'
import { BYTES, CRUMBS, CRUMBS_1, E2M1, IQ4, NIBBLES_1, NIBBLES_2 } from './layout'

// Codes as bytes, unsigned and below 128 (signed for BYTES and IQ4). `low` and `high` are constants of the storage
// kind.

/** Selects the low part of a code. */
@inline
export function lowConstant(codes: i32): v128 {
  return codes == CRUMBS || codes == CRUMBS_1 ? crumbMask() : nibbleMask()
}

/** Selects the high part of a code, or maps codes to values. */
@inline
export function highConstant(codes: i32): v128 {
  return codes == IQ4
    ? iq4Table()
    : codes == E2M1
      ? e2m1Table()
      : codes == CRUMBS_1
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

/** Codes of vector 4u + j from crumb vector `v`; `bits` holds the quad's third bits, moved right by 4u. */
@inline
export function crumbs(codes: i32, v: v128, bits: v128, j: i32, low: v128, high: v128): v128 {
  const q = v128.and(j == 0 ? v : i16x8.shr_u(v, 2 * j), low)
  if (codes == CRUMBS) return q
  return v128.or(q, v128.and(j < 2 ? i16x8.shl(bits, 2 - j) : j == 2 ? bits : i16x8.shr_u(bits, 1), high))
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
    if (codes == CRUMBS || codes == CRUMBS_1) {
      let bits = codes == CRUMBS_1 ? v128.load(from, 64) : low
      for (let u = 0; u < 2; u++) {
        const v = v128.load(from + 32 * u)
        const t = to + 128 * u
        v128.store(t, crumbs(codes, v, bits, 0, low, high))
        v128.store(t, crumbs(codes, v, bits, 1, low, high), 32)
        v128.store(t, crumbs(codes, v, bits, 2, low, high), 64)
        v128.store(t, crumbs(codes, v, bits, 3, low, high), 96)
        bits = i16x8.shr_u(bits, 4)
      }
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
