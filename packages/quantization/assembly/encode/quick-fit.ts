import { madd, sumLanes } from '@tessera-llm/wasm/assembly/lib'

// What quick-search.ts does with a scale that it has found: the codes, and the scale that fits them better. A quotient
// that is too close to the middle between two codes, or between two scales, is computed again in f64.

/** Places in a thread's scratch of the best scale and zero so far. */
export const SCALE: usize = 0
export const ZERO: usize = 8

/**
 * Vectors that stay the same in a loop. V8 computes what does not change at its last place before it is used, inside
 * the loop, divisions too; what is loaded before a loop stays outside.
 */
const FIXED: usize = 80

@inline
export function fix(scratch: usize, index: usize, value: v128): void {
  v128.store(scratch + FIXED + (index << 4), value)
}

@inline
export function fixed(scratch: usize, index: usize): v128 {
  return v128.load(scratch + FIXED + (index << 4))
}

/** Bytes of values whose products f32 sums before f64 takes over, so that sums keep 19 bits. */
const RUN: usize = 256

/** The nearest scale in f16, of those between its ends. */
@inline
export function half(v: f64): f64 {
  // Below f16's normal numbers all scales are 2^-24 apart.
  if (v < 0.00006103515625) return v + 402653184 - 402653184
  const bits = reinterpret<i64>(v)
  return reinterpret<f64>((bits + 0x1ffffffffff + ((bits >> 42) & 1)) & ~0x3ffffffffff)
}

/** How far quotients are from whole numbers: at least one half where one is too close to a middle to be told. */
@inline
function distance(quotient: v128, whole: v128): v128 {
  return f32x4.add(
    f32x4.abs(f32x4.sub(quotient, whole)),
    f32x4.mul(f32x4.abs(quotient), f32x4.splat(2.384185791015625e-7)),
  )
}

/** The code of a value, less the zero, by the reference's division. */
@inline
function unitOf(value: f64, scale: f64, first: f64, end: f64): f64 {
  return min(max(nearest(value / scale), first), end)
}

/** The scale with the least squared error for the codes of the best one so far, in f16. */
export function refit(scratch: usize, x: usize, count: u32, last: f64): f64 {
  const scale = load<f64>(scratch + SCALE)
  const zero = load<f64>(scratch + ZERO)
  fix(scratch, 0, f32x4.splat(<f32>1 / <f32>scale))
  fix(scratch, 1, f32x4.splat(<f32>-zero))
  fix(scratch, 2, f32x4.splat(<f32>(last - zero)))
  const inverse = fixed(scratch, 0)
  const first = fixed(scratch, 1)
  const end = fixed(scratch, 2)
  const limit = x + ((<usize>count) << 2)
  let doubt = f32x4.splat(0)
  let products: f64 = 0
  let squares: f64 = 0
  for (let at = x; at < limit; ) {
    let product = f32x4.splat(0)
    let squared = product
    for (const pause = min(at + RUN, limit); at < pause; at += 16) {
      const value = v128.load(at)
      const quotient = f32x4.mul(value, inverse)
      const whole = f32x4.nearest(quotient)
      doubt = f32x4.pmax(doubt, distance(quotient, whole))
      const unit = f32x4.pmin(end, f32x4.pmax(first, whole))
      product = madd(unit, value, product)
      squared = madd(unit, unit, squared)
    }
    products += <f64>sumLanes(product)
    squares += <f64>sumLanes(squared)
  }
  if (!v128.any_true(f32x4.ge(doubt, f32x4.splat(0.5)))) {
    if (!(squares > 0)) return scale
    const fitted = products / squares
    const rounded = half(fitted * (1 - 1.9073486328125e-6))
    if (rounded == half(fitted * (1 + 1.9073486328125e-6))) return rounded
  }
  products = 0
  squares = 0
  for (let at = x; at < limit; at += 4) {
    const value = <f64>load<f32>(at)
    const unit = unitOf(value, scale, -zero, last - zero)
    products += unit * value
    squares += unit * unit
  }
  return squares > 0 ? half(products / squares) : scale
}

/** A byte of a code each, or a half: the even code of two in the low one. */
@inline
export function storeCode(codes: usize, index: usize, code: i32, isPacked: bool): void {
  if (!isPacked) store<u8>(codes + index, code)
  else if ((index & 1) == 0) store<u8>(codes + (index >> 1), code)
  else store<u8>(codes + (index >> 1), load<u8>(codes + (index >> 1)) | (code << 4))
}

/** Codes of a group. */
export function writeCodes(
  scratch: usize,
  x: usize,
  count: u32,
  scale: f64,
  zero: f64,
  last: f64,
  codes: usize,
  isPacked: bool,
): void {
  fix(scratch, 0, f32x4.splat(<f32>1 / <f32>scale))
  fix(scratch, 1, f32x4.splat(<f32>zero))
  fix(scratch, 2, f32x4.splat(<f32>last))
  const inverse = fixed(scratch, 0)
  const shift = fixed(scratch, 1)
  const end = fixed(scratch, 2)
  const none = f32x4.splat(0)
  let doubt = none
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const a = f32x4.mul(v128.load(x + (i << 2)), inverse)
    const b = f32x4.mul(v128.load(x + (i << 2), 16), inverse)
    const wholeA = f32x4.nearest(a)
    const wholeB = f32x4.nearest(b)
    doubt = f32x4.pmax(doubt, f32x4.pmax(distance(a, wholeA), distance(b, wholeB)))
    const words = i16x8.narrow_i32x4_s(
      i32x4.trunc_sat_f32x4_s(f32x4.pmin(end, f32x4.pmax(none, f32x4.add(wholeA, shift)))),
      i32x4.trunc_sat_f32x4_s(f32x4.pmin(end, f32x4.pmax(none, f32x4.add(wholeB, shift)))),
    )
    const bytes = i8x16.narrow_i16x8_u(words, words)
    if (isPacked) {
      // In 16 bits two codes: the odd one moves down beside the even one.
      const pairs = v128.and(v128.or(bytes, i16x8.shr_u(bytes, 4)), i16x8.splat(0xff))
      v128.store32_lane(codes + (i >> 1), i8x16.narrow_i16x8_u(pairs, pairs), 0)
    } else v128.store64_lane(codes + i, bytes, 0)
  }
  if (!v128.any_true(f32x4.ge(doubt, f32x4.splat(0.5)))) return
  for (let i: usize = 0; i < <usize>count; i++)
    storeCode(codes, i, <i32>(unitOf(<f64>load<f32>(x + (i << 2)), scale, -zero, last - zero) + zero), isPacked)
}
