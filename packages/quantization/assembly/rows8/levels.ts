import { lookup } from '@tessera-llm/wasm/assembly/lib'
import { PANEL_BYTES, SCALES } from './panel'

// Panels of codes that index 16 levels of 16 bits: bytes 0 … 15. `low` and `high` are the low and the high bytes of
// the levels.

/** Levels of the first 8 of 16 codes, as i16. */
@inline
export function lowerLevels(codes: v128, low: v128, high: v128): v128 {
  return i8x16.shuffle(lookup(low, codes), lookup(high, codes), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

@inline
export function upperLevels(codes: v128, low: v128, high: v128): v128 {
  return i8x16.shuffle(
    lookup(low, codes),
    lookup(high, codes),
    8,
    24,
    9,
    25,
    10,
    26,
    11,
    27,
    12,
    28,
    13,
    29,
    14,
    30,
    15,
    31,
  )
}

/** `widenPanel` for levels: 16 steps of two columns per block. */
export function widenLevels(panel: usize, blocks: i32, levels: usize, to: usize): void {
  const low = v128.load(levels)
  const high = v128.load(levels, 16)
  for (let b = 0; b < blocks; b++, panel += PANEL_BYTES) {
    for (let p = panel; p < panel + 256; p += 32, to += 64) {
      widenQuad(v128.load(p), low, high, to)
      widenQuad(v128.load(p, 16), low, high, to + 16)
    }
  }
}

@inline
function widenQuad(codes: v128, low: v128, high: v128, to: usize): void {
  const pairs = i8x16.shuffle(codes, codes, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15)
  v128.store(to, lowerLevels(pairs, low, high))
  v128.store(to, upperLevels(pairs, low, high), 32)
}

/** `spreadPanel` for levels, with scales for 32 columns: f32 [K][8]. */
export function spreadLevels(panel: usize, blocks: i32, levels: usize, to: usize): void {
  const low = v128.load(levels)
  const high = v128.load(levels, 16)
  for (let b = 0; b < blocks; b++, panel += PANEL_BYTES) {
    const scale0 = v128.load(panel, SCALES)
    const scale1 = v128.load(panel, SCALES + 16)
    for (let p = panel; p < panel + 256; p += 32, to += 128) {
      spreadQuad(v128.load(p), low, high, scale0, to)
      spreadQuad(v128.load(p, 16), low, high, scale1, to + 16)
    }
  }
}

/**
 * Column c of 4 rows: its byte of each lane, repeated in all bytes of the lane, looks up the two bytes of the level.
 */
@inline
function spreadQuad(codes: v128, low: v128, high: v128, scale: v128, to: usize): void {
  v128.store(
    to,
    f32x4.mul(
      column(i8x16.shuffle(codes, codes, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12), low, high),
      scale,
    ),
  )
  v128.store(
    to,
    f32x4.mul(
      column(i8x16.shuffle(codes, codes, 1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13), low, high),
      scale,
    ),
    32,
  )
  v128.store(
    to,
    f32x4.mul(
      column(i8x16.shuffle(codes, codes, 2, 2, 2, 2, 6, 6, 6, 6, 10, 10, 10, 10, 14, 14, 14, 14), low, high),
      scale,
    ),
    64,
  )
  v128.store(
    to,
    f32x4.mul(
      column(i8x16.shuffle(codes, codes, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15), low, high),
      scale,
    ),
    96,
  )
}

@inline
function column(codes: v128, low: v128, high: v128): v128 {
  return f32x4.convert_i32x4_s(
    i32x4.shr_s(v128.or(i32x4.shl(lookup(high, codes), 24), i32x4.shl(i32x4.shr_u(lookup(low, codes), 24), 16)), 16),
  )
}
