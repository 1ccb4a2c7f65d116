import { f16Floats, i8Floats, u8Floats } from './lanes'
import { I8, I8_HALVES, I8_HALVES_OFFSET, isK, Q4_1, Q5_1, Q6_K } from './layout'

/** Scales of 4 rows for one half of the block at `p`; `d` are their super-block scales, for kinds that have them. */
@inline export function scaleOf(kind: i32, p: usize, quad: i32, half: i32, d: v128, bits: v128, bias: v128): v128 {
  if (kind == Q6_K) return f32x4.mul(d, i8Floats(p + 8 * half, quad))
  if (isK(kind)) return f32x4.mul(d, u8Floats(p, quad))
  if (kind == I8) return v128.load(p + 16 * quad)
  if (kind == I8_HALVES || kind == I8_HALVES_OFFSET) return v128.load(p + 32 * half + 16 * quad)
  return f16Floats(p + 8 * quad, bits, bias)
}

/** Offsets of 4 rows, of kinds that have them; `dmin` are the negated super-block minimum scales. */
@inline export function offsetOf(kind: i32, p: usize, quad: i32, half: i32, dmin: v128, bits: v128, bias: v128): v128 {
  if (isK(kind)) return f32x4.mul(dmin, u8Floats(p + 8, quad))
  if (kind == Q4_1 || kind == Q5_1) return f16Floats(p + 16 + 8 * quad, bits, bias)
  return v128.load(p + 64 + 32 * half + 16 * quad)
}
