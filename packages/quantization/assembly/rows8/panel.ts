import { madd } from '@tessera-llm/wasm/assembly/lib'

// A group of 8 rows decoded once for all tokens, however it is stored. For each block of 32 columns a panel has: the
// codes as bytes, 8 vectors of quad 0 and quad 1 in turn; f32 scales of the 8 rows, for columns 0 … 15 and for 16 … 31;
// f32 offsets likewise, which include the zero: value = scale · code + offset. Layouts without halves fill the first
// set only.

export const PANEL_BYTES: usize = 384
export const SCALES: usize = 256
export const OFFSETS: usize = 320

/**
 * Byte codes of blocks `stride` bytes apart, less their zero, as i16: for each block 16 steps of two columns, quad 0
 * and quad 1 in turn, 512 bytes.
 */
export function widenPanel(panel: usize, stride: usize, blocks: i32, zero: i32, to: usize): void {
  const zeros = i16x8.splat(<i16>zero)
  for (let b = 0; b < blocks; b++, panel += stride) {
    for (let p = panel; p < panel + 256; p += 32, to += 64) {
      widenQuad(v128.load(p), zeros, to)
      widenQuad(v128.load(p, 16), zeros, to + 16)
    }
  }
}

/** Columns 0 and 1 of all rows, then columns 2 and 3. */
@inline
function widenQuad(bytes: v128, zeros: v128, to: usize): void {
  const pairs = i8x16.shuffle(bytes, bytes, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15)
  v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_s(pairs), zeros))
  v128.store(to, i16x8.sub(i16x8.extend_high_i8x16_s(pairs), zeros), 32)
}

/** Byte codes of blocks `stride` bytes apart, plus 128, to blocks `strideTo` bytes apart: signed ones become unsigned. */
export function flipBytes(from: usize, stride: usize, blocks: i32, to: usize, strideTo: usize): void {
  const signs = i8x16.splat(-128)
  for (let b = 0; b < blocks; b++, from += stride, to += strideTo) {
    for (let at: usize = 0; at < 256; at += 32) {
      v128.store(to + at, v128.xor(v128.load(from + at), signs))
      v128.store(to + at, v128.xor(v128.load(from + at, 16), signs), 16)
    }
  }
}

/** Columns of one quad as f32: scale · code + offset, to `to`, `to + 32`, … */
@inline
function spread(v: v128, scale: v128, offset: v128, to: usize): void {
  v128.store(to, madd(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(v, 24), 24)), scale, offset))
  v128.store(to, madd(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(v, 16), 24)), scale, offset), 32)
  v128.store(to, madd(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(v, 8), 24)), scale, offset), 64)
  v128.store(to, madd(f32x4.convert_i32x4_s(i32x4.shr_s(v, 24)), scale, offset), 96)
}

/** f32 [K][8] of a panel, for the exact product. */
export function spreadPanel(panel: usize, blocks: i32, halves: bool, to: usize): void {
  for (let b = 0; b < blocks; b++, panel += PANEL_BYTES) {
    for (let half: usize = 0; half < 2; half++) {
      const set: usize = halves ? 32 * half : 0
      const scale0 = v128.load(panel + SCALES + set)
      const scale1 = v128.load(panel + SCALES + set, 16)
      const offset0 = v128.load(panel + OFFSETS + set)
      const offset1 = v128.load(panel + OFFSETS + set, 16)
      const first = panel + 128 * half
      for (let p = first; p < first + 128; p += 32, to += 128) {
        spread(v128.load(p), scale0, offset0, to)
        spread(v128.load(p, 16), scale1, offset1, to + 16)
      }
    }
  }
}
