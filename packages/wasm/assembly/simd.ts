// Vector helpers with one source for both builds; the compiler drops the branch of the other build.

/** a·b + c, fused where the build has relaxed SIMD. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** c − a·b, fused where the build has relaxed SIMD. */
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c)
  return f32x4.sub(c, f32x4.mul(a, b))
}

/** Byte i of the result is byte codes[i] (below 16) of the table. */
@inline
export function lookup(table: v128, codes: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, codes)
  return i8x16.swizzle(table, codes)
}

/**
 * 16 products of signed x and codes, summed by fours and added to `sums`: exact for codes below 128, and for others
 * taken as the platform takes them (`DotAdd`). Only kernels that ask for that capability call it.
 */
@inline
export function dotAdd(x: v128, codes: v128, sums: v128): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return sums
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, codes, sums)
}

/** Sum of the four lanes, always in the same order. */
@inline
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

/** Largest of the four lanes. */
@inline
export function maxLanes(v: v128): f32 {
  const pairs = f32x4.pmax(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
}

/**
 * Magnitudes of narrow floats whose bits stand in f32's places, to f32; exact for every finite value. `bias` is the
 * difference of the exponents' biases. A product with 2^bias would do the same, but an Intel processor takes some 150
 * cycles for a product of subnormal numbers, which is what those of narrow floats are in f32's places.
 */
@inline
export function rebias(magnitude: v128, bias: i32): v128 {
  // A subnormal number m · 2^least gets a leading one, f = (1 + m) · 2^(least − 1), which 2f − 2^least takes away again.
  // For a normal number that is f at least, so the lesser of both is right for each.
  const f = i32x4.add(magnitude, i32x4.splat(bias << 23))
  return f32x4.pmin(f, f32x4.sub(f32x4.add(f, f), f32x4.splat(reinterpret<f32>((bias + 1) << 23))))
}

/**
 * Four f16 (the low or the high half of eight) to f32, exactly. Infinities and NaN are not handled: weights have none.
 */
@inline
export function widenHalf(bits: v128): v128 {
  const magnitude = v128.and(i32x4.shl(bits, 13), i32x4.splat(0x0fffe000))
  return v128.or(rebias(magnitude, 112), v128.and(bits, i32x4.splat(0x80000000)))
}

@inline
export function loadHalf4(address: usize): v128 {
  return widenHalf(v128.load_ext<i16>(address))
}

/** Four bf16 at `address` to f32. */
@inline
export function loadBrain4(address: usize): v128 {
  return i32x4.shl(v128.load_ext<u16>(address), 16)
}

/** One f16 to f32, infinities and NaN included. */
export function halfToFloat(bits: u32): f32 {
  const sign = (bits & 0x8000) << 16
  const magnitude = bits & 0x7fff
  if (magnitude >= 0x7c00) return reinterpret<f32>(sign | 0x7f800000 | ((magnitude & 0x3ff) << 13))
  return reinterpret<f32>(sign | reinterpret<u32>(reinterpret<f32>(magnitude << 13) * reinterpret<f32>(0x77800000)))
}

/** f32 to the nearest f16, ties to even; beyond the range infinity, NaN stays NaN. */
export function floatToHalf(value: f32): u32 {
  const bits = reinterpret<u32>(value)
  const sign = (bits >> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  // Rounds to infinity from halfway between the largest f16 and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal: the addition aligns the fraction to 2^−24 and rounds it.
    const aligned = reinterpret<f32>(magnitude) + <f32>0.5
    return sign | (reinterpret<u32>(aligned) - 0x3f000000)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13)
}

/** Eight f32 to the nearest f16, like `floatToHalf`. */
export function floatsToHalves(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_u(halvesOf(low), halvesOf(high))
}

/** Four f32 to f16 bits in lanes of 32 bits. */
@inline
function halvesOf(bits: v128): v128 {
  const magnitude = v128.and(bits, i32x4.splat(0x7fffffff))
  const even = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1))
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), even), 13)
  // Subnormal: the addition aligns the fraction to 2^−24 and rounds it.
  const aligned = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000))
  let half = v128.bitselect(aligned, rounded, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)))
  half = v128.bitselect(i32x4.splat(0x7c00), half, i32x4.ge_s(magnitude, i32x4.splat(0x477ff000)))
  half = v128.bitselect(i32x4.splat(0x7e00), half, i32x4.gt_s(magnitude, i32x4.splat(0x7f800000)))
  return v128.or(half, v128.and(i32x4.shr_u(bits, 16), i32x4.splat(0x8000)))
}
