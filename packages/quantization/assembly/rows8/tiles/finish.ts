import { madd } from '@tessera-llm/wasm/assembly/lib'
import { SCALE, SUM, SUM_HIGH, SUM_LOW, ZERO, ZERO_HIGH, ZERO_LOW } from '../activations'
import { OFFSETS, SCALES } from '../panel'

// Tiles of every kind begin with cleared results, and turn a block's integer sums into f32 by its scales, zero and
// offset.

@inline
export function clear(out: usize, tokens: usize): void {
  const none = f32x4.splat(0)
  for (const end = out + 32 * tokens; out < end; out += 32) {
    v128.store(out, none)
    v128.store(out, none, 16)
  }
}

/**
 * Adds one token's sums of columns that share a scale; `f` is the token's first field, beside those of the `tokens` of
 * its record; `part` says which half the columns are (0 or 1; 2: both).
 */
@inline
export function finish(
  tokens: u32,
  s0: v128,
  s1: v128,
  zero: bool,
  offset: bool,
  part: i32,
  first: bool,
  panel: usize,
  f: usize,
  out: usize,
): void {
  const set: usize = part == 1 ? 32 : 0
  const field: usize = 4 * tokens
  if (zero && first) {
    const z = v128.load32_splat(f + field * (part == 2 ? ZERO : part == 0 ? ZERO_LOW : ZERO_HIGH))
    s0 = i32x4.add(s0, z)
    s1 = i32x4.add(s1, z)
  }
  const s = v128.load32_splat(f + field * SCALE)
  let y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(v128.load(panel + set, SCALES), s), v128.load(out))
  let y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(v128.load(panel + set, SCALES + 16), s), v128.load(out, 16))
  if (offset && first) {
    const sum = v128.load32_splat(f + field * (part == 2 ? SUM : part == 0 ? SUM_LOW : SUM_HIGH))
    y0 = madd(v128.load(panel + set, OFFSETS), sum, y0)
    y1 = madd(v128.load(panel + set, OFFSETS + 16), sum, y1)
  }
  v128.store(out, y0)
  v128.store(out, y1, 16)
}
