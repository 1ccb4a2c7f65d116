import { loadHalf4, madd, sumLanes } from '@tessera-llm/wasm/assembly/lib'
import { BF16, elementBytes, F16, F32 } from '../element'

// Dot products of one token with one row, read in place as one stream. Each is exported so that it stays a separate
// function: engines allocate registers per function.

/**
 * 2^56. Shifting f16 bits into f32 position scales the value by 2^−112; half the correction goes into x, half into the
 * sum.
 */
const HALF_RAISED: f32 = 72057594037927936

/** Writes x · 2^56, so that products with bit-shifted f16 weights stay clear of f32's subnormals. */
export function raiseForHalf(x: usize, columns: u32, to: usize): void {
  const raised = f32x4.splat(HALF_RAISED)
  let k: u32 = 0
  for (; k + 4 <= columns; k += 4, x += 16, to += 16) v128.store(to, f32x4.mul(v128.load(x), raised))
  for (; k < columns; k++, x += 4, to += 4) store<f32>(to, load<f32>(x) * HALF_RAISED)
}

export function dotF32(x: usize, row: usize, columns: u32): f32 {
  return dot(F32, x, row, columns)
}
/** `x` is the output of `raiseForHalf`. */
export function dotF16(x: usize, row: usize, columns: u32): f32 {
  return HALF_RAISED * dot(F16, x, row, columns)
}
export function dotBf16(x: usize, row: usize, columns: u32): f32 {
  return dot(BF16, x, row, columns)
}

@inline
function four(kind: i32, at: usize, mask: v128): v128 {
  if (kind == F32) return v128.load(at)
  if (kind == BF16) return i32x4.shl(v128.load16x4_u(at), 16)
  return v128.and(i32x4.shl(v128.load16x4_s(at), 13), mask)
}

@inline
function one(kind: i32, at: usize): f32 {
  if (kind == F32) return load<f32>(at)
  if (kind == BF16) return reinterpret<f32>((<u32>load<u16>(at)) << 16)
  return reinterpret<f32>(((<i32>load<i16>(at)) << 13) & 0x8fffe000)
}

/** Whether the exponent of one of 16 f16 is that of subnormal numbers, or of 0. */
@inline
function haveSubnormal(row: usize): bool {
  const exponents = i16x8.splat(0x7c00)
  const least = i16x8.min_u(v128.and(v128.load(row), exponents), v128.and(v128.load(row, 16), exponents))
  return v128.any_true(i16x8.eq(least, i16x8.splat(0)))
}

/** Four x · 2^56 to x · 2^−56, for f16 weights that are not shifted but converted. */
@inline
function lowered(x: usize): v128 {
  return f32x4.mul(v128.load(x), f32x4.splat(1 / (HALF_RAISED * HALF_RAISED)))
}

@inline
function dot(kind: i32, x: usize, row: usize, columns: u32): f32 {
  const step = elementBytes(kind)
  const mask = i32x4.splat(0x8fffe000)
  let a = f32x4.splat(0)
  let b = a
  let c = a
  let d = a
  let k: u32 = 0
  for (; k + 16 <= columns; k += 16, x += 64, row += 16 * step) {
    // An Intel processor takes some 150 cycles for a product of numbers that are subnormal in f32, which subnormal f16
    // are in its places: one of a hundred weights of some models.
    if (kind == F16 && haveSubnormal(row)) {
      a = madd(lowered(x), loadHalf4(row), a)
      b = madd(lowered(x + 16), loadHalf4(row + 8), b)
      c = madd(lowered(x + 32), loadHalf4(row + 16), c)
      d = madd(lowered(x + 48), loadHalf4(row + 24), d)
      continue
    }
    a = madd(v128.load(x), four(kind, row, mask), a)
    b = madd(v128.load(x, 16), four(kind, row + 4 * step, mask), b)
    c = madd(v128.load(x, 32), four(kind, row + 8 * step, mask), c)
    d = madd(v128.load(x, 48), four(kind, row + 12 * step, mask), d)
  }
  let sum = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)))
  for (; k < columns; k++, x += 4, row += step) sum += load<f32>(x) * one(kind, row)
  return sum
}
