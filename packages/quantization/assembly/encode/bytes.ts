import { BYTES, CODES } from './blocks'

// Packs codes from f32 lanes into the bytes of blocks.

/** Whole numbers of a small magnitude as i32: adding 1.5 · 2^23 leaves them in the low bits. */
@inline
export function toInteger(v: v128): v128 {
  return i32x4.sub(f32x4.add(v, f32x4.splat(12582912)), i32x4.splat(0x4b400000))
}

/** Codes of the first `count` values (a multiple of 16) from f32 lanes to bytes, 256 for each lane. */
export function codesToBytes(scratch: usize, count: i32): void {
  let from = scratch + CODES
  let to = scratch + BYTES
  for (const end = from + ((<usize>count) << 4); from < end; from += 256, to += 16) {
    spread(fourValues(from), fourValues(from + 64), fourValues(from + 128), fourValues(from + 192), to)
  }
}

/** The codes of four values as bytes, lanes beside each other. */
@inline
function fourValues(from: usize): v128 {
  const low = i16x8.narrow_i32x4_s(toInteger(v128.load(from)), toInteger(v128.load(from, 16)))
  return i8x16.narrow_i16x8_s(low, i16x8.narrow_i32x4_s(toInteger(v128.load(from, 32)), toInteger(v128.load(from, 48))))
}

/** Four vectors of four values with lanes beside each other, to 16 bytes of each lane. */
@inline
export function spread(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  a = byLanes(a)
  b = byLanes(b)
  c = byLanes(c)
  d = byLanes(d)
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 256)
  v128.store(to, v128.shuffle<i64>(ab2, cd2, 0, 2), 512)
  v128.store(to, v128.shuffle<i64>(ab2, cd2, 1, 3), 768)
}

@inline
function byLanes(v: v128): v128 {
  return i8x16.shuffle(v, v, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
}

/** v · 2^bits of bytes that stay below 256. */
@inline
export function shiftedUp(v: v128, bits: i32): v128 {
  return i16x8.shl(v, bits)
}

/** 16 codes to the low and 16 to the high halves of 16 bytes; higher bits of codes are dropped. */
@inline
export function nibbles(low: v128, high: v128): v128 {
  return v128.or(v128.and(low, i8x16.splat(15)), shiftedUp(v128.and(high, i8x16.splat(15)), 4))
}

/** 256 codes: each 32 bytes hold two groups of 32, the first in their low halves. */
export function packNibblePairs(codes: usize, out: usize): void {
  for (const end = out + 128; out < end; out += 32, codes += 64) {
    v128.store(out, nibbles(v128.load(codes), v128.load(codes, 32)))
    v128.store(out, nibbles(v128.load(codes, 16), v128.load(codes, 48)), 16)
  }
}

/** 256 codes 0 … 3: each 32 bytes hold four runs of 32, lowest bits first; higher bits of codes are dropped. */
export function packTwoBits(codes: usize, out: usize): void {
  const mask = i8x16.splat(3)
  for (let i: usize = 0; i < 64; i += 16) {
    const at = codes + ((i >> 5) << 7) + (i & 31)
    const low = v128.or(v128.and(v128.load(at), mask), shiftedUp(v128.and(v128.load(at, 32), mask), 2))
    v128.store(
      out + i,
      v128.or(
        low,
        v128.or(shiftedUp(v128.and(v128.load(at, 64), mask), 4), shiftedUp(v128.and(v128.load(at, 96), mask), 6)),
      ),
    )
  }
}

/** Bit `bit` of 256 codes to 32 bytes: byte i holds those of the codes i, i + 32, i + 64 … */
export function packBits(codes: usize, bit: i32, out: usize): void {
  const one = i8x16.splat(1)
  for (let i: usize = 0; i < 32; i += 16) {
    let all = i8x16.splat(0)
    for (let run = 0; run < 8; run++)
      all = v128.or(all, i8x16.shl(v128.and(i8x16.shr_u(v128.load(codes + i + ((<usize>run) << 5)), bit), one), run))
    v128.store(out + i, all)
  }
}

/** 32 codes to 16 bytes: byte i holds code i low and code i + 16 high. */
@inline
export function packHalves(codes: usize, out: usize): void {
  v128.store(out, nibbles(v128.load(codes), v128.load(codes, 16)))
}

/** The fifth bits of 32 codes. */
@inline
export function fifthBits(codes: usize): u32 {
  const low = i8x16.bitmask(i8x16.shl(v128.load(codes), 3))
  const high = i8x16.bitmask(i8x16.shl(v128.load(codes, 16), 3))
  return low | (high << 16)
}

/** The f32 whole number of `lane` in the vector at `from`. */
@inline
export function codeAt(from: usize, lane: u32): i32 {
  return <i32>load<f32>(from + (lane << 2))
}
