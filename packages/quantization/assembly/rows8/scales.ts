import { halfBias, halfMask, loadHalf4 } from '@tessera-llm/wasm/assembly/lib'
import { brainFloats, e4m3Floats, f16Floats, i8Floats, u8Floats } from './lanes'
import {
  BRAIN,
  E4M3_HALVES,
  HALF,
  HALF_OFFSET,
  hasOffset,
  I8,
  I8_HALVES,
  SHARED,
  SHARED_HALF,
  SHARED_HALF_ZERO,
  SHARED_OFFSET,
  U8_HALVES_OFFSET,
  U8_OFFSET,
} from './layout'

/** Shared field of blocks for 4 rows, from the fields at `p`: their scale, or the scale of their scales. */
@inline
export function sharedScale(form: i32, p: usize, quad: i32): v128 {
  if (form == SHARED || form == SHARED_OFFSET) return v128.load(p + 16 * quad)
  if (form == SHARED_HALF || form == SHARED_HALF_ZERO) return f16Floats(p + 8 * quad, halfMask(), halfBias())
  // The scale of scales of 6 or 8 bits is subnormal in most blocks of a model.
  return loadHalf4(p + 8 * quad)
}

/** Shared offset, or the negated scale of the minimums, likewise. */
@inline
export function sharedOffset(form: i32, p: usize, quad: i32): v128 {
  if (!hasOffset(form)) return f32x4.splat(0)
  if (form == SHARED_OFFSET) return v128.load(p + 32 + 16 * quad)
  if (form == SHARED_HALF_ZERO) return f32x4.neg(f32x4.mul(sharedScale(form, p, quad), u8Floats(p + 16, quad)))
  return f32x4.neg(loadHalf4(p + 16 + 8 * quad))
}

/** Scales of 4 rows for one half of the block at `p`; `shared` is from `sharedScale`. */
@inline
export function scaleOf(form: i32, p: usize, quad: i32, half: i32, shared: v128, bits: v128, bias: v128): v128 {
  if (form == SHARED || form == SHARED_OFFSET || form == SHARED_HALF || form == SHARED_HALF_ZERO) return shared
  if (form == I8 || form == I8_HALVES) return f32x4.mul(shared, i8Floats(p + 8 * half, quad))
  if (form == U8_OFFSET || form == U8_HALVES_OFFSET) return f32x4.mul(shared, u8Floats(p + 8 * half, quad))
  if (form == E4M3_HALVES) return e4m3Floats(p + 8 * half, quad)
  if (form == BRAIN) return brainFloats(p + 8 * quad)
  return f16Floats(p + 8 * quad, bits, bias)
}

/** Offsets of 4 rows, of forms that have them; `shared` is from `sharedOffset`. */
@inline
export function offsetOf(form: i32, p: usize, quad: i32, half: i32, shared: v128, bits: v128, bias: v128): v128 {
  if (form == SHARED_OFFSET || form == SHARED_HALF_ZERO) return shared
  if (form == U8_OFFSET) return f32x4.mul(shared, u8Floats(p + 8, quad))
  if (form == U8_HALVES_OFFSET) return f32x4.mul(shared, u8Floats(p + 16 + 8 * half, quad))
  return f16Floats(p + 16 + 8 * quad, bits, bias)
}
