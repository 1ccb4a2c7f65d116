import { f16Floats, i8Floats, u8Floats } from './lanes'
import { isK, Q6_K } from './layout'

/** Scales of 4 rows for one half of the block at `p`; `d` are their super-block scales, for kinds that have them. */
@inline export function scaleOf(kind: i32, p: usize, quad: i32, half: i32, d: v128, bits: v128, bias: v128): v128 {
  if (kind == Q6_K) return f32x4.mul(d, i8Floats(p + 8 * half, quad))
  if (isK(kind)) return f32x4.mul(d, u8Floats(p, quad))
  return f16Floats(p + 8 * quad, bits, bias)
}

/** Offsets of 4 rows, of kinds that have them; `dmin` are the negated super-block minimum scales. */
@inline export function offsetOf(kind: i32, p: usize, quad: i32, dmin: v128, bits: v128, bias: v128): v128 {
  if (isK(kind)) return f32x4.mul(dmin, u8Floats(p + 8, quad))
  return f16Floats(p + 16 + 8 * quad, bits, bias)
}
