import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

// Integers that share a scale by groups, and a zero: the search of src/method/scale/group-scale.ts, for two groups at a
// time, one in each lane, every step in its order and in f64, so that codes, scales and zeros are the same. Values of a
// group lie 16 bytes apart in scratch, then their weights.

/** Words of the arguments; scales are of type f32 (0), f16 (1) or bf16 (2). */
const VALUES: u32 = 0
const IMPORTANCE: u32 = 1
const CODES: u32 = 2
const SCALES: u32 = 3
const ZEROS: u32 = 4
const GROUPS: u32 = 5
const PER_ROW: u32 = 6
const WIDTH: u32 = 7
const BITS: u32 = 8
const SYMMETRIC: u32 = 9
const TYPE: u32 = 10
const SCRATCH: u32 = 11
const SCRATCH_BYTES: u32 = 12

/** At the beginning of a thread's scratch: what the search has found, and what it goes by. */
const SCALE: usize = 0
const ZERO: usize = 16
const ERROR: usize = 32
const FOUND: usize = 48
const TOO_LARGE: usize = 64
const SUMS: usize = 80
const X: usize = 128

/** Bytes of values after which sums are looked at. */
const PAUSE: usize = 256

const STEPS: i32 = 32

/** The nearest whole number, ties to even, as `nearestEven` gets it. */
@inline
function nearest(v: v128): v128 {
  const magic = f64x2.splat(6755399441055744)
  return f64x2.sub(f64x2.add(v, magic), magic)
}

/** a if it is not below b, else b; what is no number stays so. */
@inline
function atLeast(a: v128, b: v128): v128 {
  return f64x2.pmax(a, b)
}

@inline
function atMost(a: v128, b: v128): v128 {
  return f64x2.pmin(a, b)
}

/** A scale as its type holds it. Those that f16 cannot hold are noted, for the caller to refuse. */
function rounded(v: v128, type: u32, scratch: usize): v128 {
  if (type == 1) {
    // A unit in the last of the eleven places that f16 has for the number, or for its least normal one.
    const power = f64x2.max(v128.and(v, i64x2.splat(0x7ff0000000000000)), f64x2.splat(0.00006103515625))
    const unit = f64x2.mul(power, f64x2.splat(0.0009765625))
    const half = f64x2.mul(f64x2.nearest(f64x2.div(v, unit)), unit)
    v128.store(scratch + TOO_LARGE, v128.or(v128.load(scratch + TOO_LARGE), f64x2.gt(half, f64x2.splat(65504))))
    return half
  }
  let single = f32x4.demote_f64x2_zero(v)
  if (type == 2)
    single = v128.and(
      i32x4.add(single, i32x4.add(i32x4.splat(0x7fff), v128.and(i32x4.shr_u(single, 16), i32x4.splat(1)))),
      i32x4.splat(0xffff0000),
    )
  return f64x2.promote_low_f32x4(single)
}

/** (x − scale · code)², codes from `first` to `end`, which are −zero and last − zero. */
@inline
function squareOf(value: v128, scale: v128, inverse: v128, first: v128, end: v128): v128 {
  const error = f64x2.sub(value, f64x2.mul(scale, atMost(atLeast(nearest(f64x2.mul(value, inverse)), first), end)))
  return f64x2.mul(error, error)
}

@inline
function weighedSquareOf(value: v128, weight: v128, scale: v128, inverse: v128, first: v128, end: v128): v128 {
  const error = f64x2.sub(value, f64x2.mul(scale, atMost(atLeast(nearest(f64x2.mul(value, inverse)), first), end)))
  return f64x2.mul(f64x2.mul(weight, error), error)
}

/**
 * Σ w · (x − scale · code)² for two scales and zeros, to scratch: two sums at a time, because each addition waits for
 * the one before. Sums do not fall, so that they are left as they are once all are no less than what was found.
 */
function errorsOf(
  scratch: usize,
  weights: usize,
  count: u32,
  scaleA: v128,
  zeroA: v128,
  scaleB: v128,
  zeroB: v128,
  last: v128,
): void {
  const inverseA = f64x2.div(f64x2.splat(1), scaleA)
  const firstA = f64x2.neg(zeroA)
  const endA = f64x2.sub(last, zeroA)
  const inverseB = f64x2.div(f64x2.splat(1), scaleB)
  const firstB = f64x2.neg(zeroB)
  const endB = f64x2.sub(last, zeroB)
  const found = v128.load(scratch + ERROR)
  let x = scratch + X
  let sumA = f64x2.splat(0)
  let sumB = sumA
  for (const stop = x + ((<usize>count) << 4); x < stop; ) {
    const pause = min(x + PAUSE, stop)
    if (weights == 0) {
      for (; x < pause; x += 16) {
        const value = v128.load(x)
        sumA = f64x2.add(sumA, squareOf(value, scaleA, inverseA, firstA, endA))
        sumB = f64x2.add(sumB, squareOf(value, scaleB, inverseB, firstB, endB))
      }
    } else {
      for (; x < pause; x += 16, weights += 16) {
        const value = v128.load(x)
        const weight = v128.load(weights)
        sumA = f64x2.add(sumA, weighedSquareOf(value, weight, scaleA, inverseA, firstA, endA))
        sumB = f64x2.add(sumB, weighedSquareOf(value, weight, scaleB, inverseB, firstB, endB))
      }
    }
    if (i64x2.all_true(v128.and(f64x2.ge(sumA, found), f64x2.ge(sumB, found)))) break
  }
  v128.store(scratch + SUMS, sumA)
  v128.store(scratch + SUMS, sumB, 16)
}

@inline
function codeOf(value: v128, scale: v128, zero: v128, last: v128): v128 {
  return atMost(atLeast(f64x2.add(nearest(f64x2.div(value, scale)), zero), f64x2.splat(0)), last)
}

/** Scales above 0 whose zero is a code. */
@inline
function validOf(scale: v128, zero: v128, last: v128): v128 {
  const none = f64x2.splat(0)
  return v128.and(f64x2.gt(scale, none), v128.and(f64x2.ge(zero, none), f64x2.le(zero, last)))
}

/** Keeps a scale and a zero where they err less than what was found. */
function keep(scratch: usize, scale: v128, zero: v128, valid: v128, error: v128): void {
  const found = v128.load(scratch + FOUND)
  const better = v128.and(valid, v128.or(v128.not(found), f64x2.lt(error, v128.load(scratch + ERROR))))
  v128.store(scratch + SCALE, v128.bitselect(scale, v128.load(scratch + SCALE), better))
  v128.store(scratch + ZERO, v128.bitselect(zero, v128.load(scratch + ZERO), better))
  v128.store(scratch + ERROR, v128.bitselect(error, v128.load(scratch + ERROR), better))
  v128.store(scratch + FOUND, v128.or(found, valid))
}

/** Tries one scale and zero, then another. */
function attempt(
  scratch: usize,
  weights: usize,
  count: u32,
  rawA: v128,
  zeroA: v128,
  rawB: v128,
  zeroB: v128,
  last: v128,
  type: u32,
): void {
  const a = rounded(rawA, type, scratch)
  const b = rounded(rawB, type, scratch)
  const validA = validOf(a, zeroA, last)
  const validB = validOf(b, zeroB, last)
  if (!v128.any_true(v128.or(validA, validB))) return
  errorsOf(scratch, weights, count, a, zeroA, b, zeroB, last)
  keep(scratch, a, zeroA, validA, v128.load(scratch + SUMS))
  keep(scratch, b, zeroB, validB, v128.load(scratch + SUMS, 16))
}

/** The scale of least error for the codes of the present one. */
function refit(scratch: usize, weights: usize, count: u32, last: v128): v128 {
  const scale = v128.load(scratch + SCALE)
  const zero = v128.load(scratch + ZERO)
  const one = f64x2.splat(1)
  let products = f64x2.splat(0)
  let squares = products
  let x = scratch + X
  let w = weights
  for (const end = x + ((<usize>count) << 4); x < end; x += 16) {
    const value = v128.load(x)
    const stands = f64x2.promote_low_f32x4(
      f32x4.demote_f64x2_zero(f64x2.mul(scale, f64x2.sub(codeOf(value, scale, zero, last), zero))),
    )
    const unit = f64x2.div(stands, scale)
    const weighed = f64x2.mul(weights == 0 ? one : v128.load(w), unit)
    products = f64x2.add(products, f64x2.mul(weighed, value))
    squares = f64x2.add(squares, f64x2.mul(weighed, unit))
    w += 16
  }
  return v128.bitselect(f64x2.div(products, squares), scale, f64x2.gt(squares, f64x2.splat(0)))
}

/** By what fraction of the range scales differ that are tried. */
@inline
function stepOf(bits: u32): f64 {
  return bits < 4 ? 0.02 : bits == 4 ? 0.0125 : 0.001
}

function search(
  scratch: usize,
  weights: usize,
  count: u32,
  widest: v128,
  zero: v128,
  last: v128,
  bits: u32,
  isSymmetric: bool,
  type: u32,
): void {
  const step = stepOf(bits)
  // The last of an odd number is tried twice, which changes nothing.
  for (let i = 0; i < STEPS; i += 6)
    attempt(
      scratch,
      weights,
      count,
      f64x2.mul(widest, f64x2.splat(1 - <f64>i * step)),
      zero,
      f64x2.mul(widest, f64x2.splat(1 - <f64>min(i + 3, STEPS - 2) * step)),
      zero,
      last,
      type,
    )
  const scale = v128.load(scratch + SCALE)
  attempt(scratch, weights, count, moved(scale, widest, step), zero, moved(scale, widest, -step), zero, last, type)
  attempt(
    scratch,
    weights,
    count,
    moved(scale, widest, 2 * step),
    zero,
    moved(scale, widest, -2 * step),
    zero,
    last,
    type,
  )
  if (!isSymmetric) {
    const nearer = v128.load(scratch + SCALE)
    const up = f64x2.add(zero, f64x2.splat(1))
    const down = f64x2.sub(zero, f64x2.splat(1))
    attempt(scratch, weights, count, nearer, up, moved(nearer, widest, step), up, last, type)
    attempt(scratch, weights, count, moved(nearer, widest, -step), up, nearer, down, last, type)
    attempt(scratch, weights, count, moved(nearer, widest, step), down, moved(nearer, widest, -step), down, last, type)
  }
  for (let turn = 0; turn < 2; turn++) {
    const before = v128.load(scratch + SCALE)
    const used = v128.load(scratch + ZERO)
    const again = refit(scratch, weights, count, last)
    attempt(scratch, weights, count, again, used, again, used, last, type)
    // What has not changed gives the same scale again.
    if (i64x2.all_true(f64x2.eq(before, v128.load(scratch + SCALE)))) break
  }
}

@inline
function moved(scale: v128, widest: v128, by: f64): v128 {
  return f64x2.add(scale, f64x2.mul(f64x2.splat(by), widest))
}

/** Values or weights of two groups as f64, side by side. */
function widen(a: usize, b: usize, count: u32, to: usize): void {
  for (const end = a + ((<usize>count) << 2); a < end; a += 4, b += 4, to += 16)
    v128.store(to, f64x2.replace_lane(f64x2.splat(<f64>load<f32>(a)), 1, <f64>load<f32>(b)))
}

/**
 * A group that cannot be rounded as its type asks (scale not above 0, or beyond f16) gets the scale NaN: the reference
 * then reports what is wrong.
 */
export function roundGroups(args: usize, thread: u32, threads: u32): void {
  const groups = argument(args, GROUPS)
  const count = argument(args, WIDTH)
  const bits = argument(args, BITS)
  const type = argument(args, TYPE)
  const isSymmetric = argument(args, SYMMETRIC) != 0
  const scratch: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const weights = argument(args, IMPORTANCE) == 0 ? 0 : scratch + X + ((<usize>count) << 4)
  const middle = f64x2.splat(<f64>(1 << (bits - 1)))
  const last = f64x2.splat(<f64>((1 << bits) - 1))
  const none = f64x2.splat(0)
  const pairs = (groups + 1) >> 1
  const end = shareEnd(pairs, thread, threads)
  for (let pair = shareBegin(pairs, thread, threads); pair < end; pair++) {
    const a = pair << 1
    const b = min<u32>(a + 1, groups - 1)
    widen(
      argument(args, VALUES) + ((<usize>a * count) << 2),
      argument(args, VALUES) + ((<usize>b * count) << 2),
      count,
      scratch + X,
    )
    if (weights != 0)
      widen(
        argument(args, IMPORTANCE) + ((<usize>(a % argument(args, PER_ROW)) * count) << 2),
        argument(args, IMPORTANCE) + ((<usize>(b % argument(args, PER_ROW)) * count) << 2),
        count,
        weights,
      )
    let low = none
    let high = none
    for (let x = scratch + X, stop = x + ((<usize>count) << 4); x < stop; x += 16) {
      const value = v128.load(x)
      low = f64x2.pmin(low, value)
      high = f64x2.pmax(high, value)
    }
    const widest = isSymmetric
      ? f64x2.div(f64x2.max(high, f64x2.neg(low)), f64x2.sub(last, middle))
      : f64x2.div(f64x2.sub(high, low), last)
    const live = f64x2.gt(widest, none)
    const divisor = v128.bitselect(widest, f64x2.splat(1), live)
    const zero = isSymmetric ? middle : f64x2.min(f64x2.max(nearest(f64x2.div(f64x2.neg(low), divisor)), none), last)
    v128.store(scratch + FOUND, none)
    v128.store(scratch + ERROR, f64x2.splat(Infinity))
    v128.store(scratch + TOO_LARGE, none)
    if (v128.any_true(live)) search(scratch, weights, count, divisor, zero, last, bits, isSymmetric, type)
    const scale = v128.bitselect(v128.load(scratch + SCALE), f64x2.splat(1), live)
    const used = v128.bitselect(v128.load(scratch + ZERO), zero, live)
    const fails = v128.and(live, v128.or(v128.not(v128.load(scratch + FOUND)), v128.load(scratch + TOO_LARGE)))
    const scales = f32x4.demote_f64x2_zero(v128.or(scale, fails))
    const zeros = f32x4.demote_f64x2_zero(used)
    const codesA: usize = argument(args, CODES) + <usize>a * count
    const codesB: usize = argument(args, CODES) + <usize>b * count
    for (let i: usize = 0; i < count; i++) {
      const code = i32x4.trunc_sat_f64x2_s_zero(codeOf(v128.load(scratch + X + (i << 4)), scale, used, last))
      store<u8>(codesA + i, i32x4.extract_lane(code, 0))
      store<u8>(codesB + i, i32x4.extract_lane(code, 1))
    }
    store<f32>(argument(args, SCALES) + ((<usize>a) << 2), f32x4.extract_lane(scales, 0))
    store<f32>(argument(args, SCALES) + ((<usize>b) << 2), f32x4.extract_lane(scales, 1))
    store<f32>(argument(args, ZEROS) + ((<usize>a) << 2), f32x4.extract_lane(zeros, 0))
    store<f32>(argument(args, ZEROS) + ((<usize>b) << 2), f32x4.extract_lane(zeros, 1))
  }
}
