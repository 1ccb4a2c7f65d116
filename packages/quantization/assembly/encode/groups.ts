import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { codeOf, ERROR, FOUND, nearest, SCALE, search, TOO_LARGE, X, ZERO } from './group-search'
import { storeCode } from './quick-fit'
import { searchQuickly } from './quick-search'

// Rounds groups of values to integers that share a scale and a zero: the same codes, scales and zeros as
// src/method/scale/group-scale.ts gives, by the search of group-search.ts, or where it serves that of quick-search.ts.

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
/** Whether codes of 4 bits lie two to a byte. */
const PACKED: u32 = 13

/** Values or weights of two groups as f64, side by side. */
function widen(a: usize, b: usize, count: u32, to: usize): void {
  for (const end = a + ((<usize>count) << 2); a < end; a += 4, b += 4, to += 16)
    v128.store(to, f64x2.replace_lane(f64x2.splat(<f64>load<f32>(a)), 1, <f64>load<f32>(b)))
}

@inline
function codesOf(args: usize, group: u32, count: u32, isPacked: bool): usize {
  const from = <usize>group * count
  return <usize>argument(args, CODES) + (isPacked ? from >> 1 : from)
}

/** Rounds two groups, or one twice. */
function roundPair(args: usize, scratch: usize, a: u32, b: u32): void {
  const count = argument(args, WIDTH)
  const bits = argument(args, BITS)
  const isSymmetric = argument(args, SYMMETRIC) != 0
  const weights = argument(args, IMPORTANCE) == 0 ? 0 : scratch + X + ((<usize>count) << 4)
  const middle = f64x2.splat(<f64>(1 << (bits - 1)))
  const last = f64x2.splat(<f64>((1 << bits) - 1))
  const none = f64x2.splat(0)
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
  let noughts = none
  for (let x = scratch + X, stop = x + ((<usize>count) << 4); x < stop; x += 16) {
    const value = v128.load(x)
    low = f64x2.pmin(low, value)
    high = f64x2.pmax(high, value)
    noughts = f64x2.add(noughts, f64x2.mul(none, value))
  }
  const widest = isSymmetric
    ? f64x2.div(f64x2.max(high, f64x2.neg(low)), f64x2.sub(last, middle))
    : f64x2.div(f64x2.sub(high, low), last)
  const live = f64x2.gt(widest, none)
  const divisor = v128.bitselect(widest, f64x2.splat(1), live)
  const zero = isSymmetric ? middle : f64x2.min(f64x2.max(nearest(f64x2.div(f64x2.neg(low), divisor)), none), last)
  v128.store(scratch + FOUND, none)
  // Where no scale serves, its neighbours are none either.
  v128.store(scratch + SCALE, f64x2.splat(NaN))
  v128.store(scratch + ERROR, f64x2.splat(Infinity))
  v128.store(scratch + TOO_LARGE, none)
  if (v128.any_true(live)) search(scratch, weights, count, divisor, zero, last, bits, isSymmetric, argument(args, TYPE))
  const scale = v128.bitselect(v128.load(scratch + SCALE), f64x2.splat(1), live)
  const used = v128.bitselect(v128.load(scratch + ZERO), zero, live)
  const fails = v128.or(
    v128.and(live, v128.or(v128.not(v128.load(scratch + FOUND)), v128.load(scratch + TOO_LARGE))),
    f64x2.ne(noughts, none),
  )
  const scales = f32x4.demote_f64x2_zero(v128.or(scale, fails))
  const zeros = f32x4.demote_f64x2_zero(used)
  const isPacked = argument(args, PACKED) != 0
  const codesA = codesOf(args, a, count, isPacked)
  const codesB = codesOf(args, b, count, isPacked)
  for (let i: usize = 0; i < count; i++) {
    const code = i32x4.trunc_sat_f64x2_s_zero(codeOf(v128.load(scratch + X + (i << 4)), scale, used, last))
    storeCode(codesA, i, i32x4.extract_lane(code, 0), isPacked)
    storeCode(codesB, i, i32x4.extract_lane(code, 1), isPacked)
  }
  store<f32>(argument(args, SCALES) + ((<usize>a) << 2), f32x4.extract_lane(scales, 0))
  store<f32>(argument(args, SCALES) + ((<usize>b) << 2), f32x4.extract_lane(scales, 1))
  store<f32>(argument(args, ZEROS) + ((<usize>a) << 2), f32x4.extract_lane(zeros, 0))
  store<f32>(argument(args, ZEROS) + ((<usize>b) << 2), f32x4.extract_lane(zeros, 1))
}

/**
 * A group that cannot be rounded as its type asks (scale not above 0, or beyond f16), or holds a value that is not
 * finite, gets the scale NaN: the reference then reports what is wrong.
 */
export function roundGroups(args: usize, thread: u32, threads: u32): void {
  const groups = argument(args, GROUPS)
  const count = argument(args, WIDTH)
  const bits = argument(args, BITS)
  const isSymmetric = argument(args, SYMMETRIC) != 0
  const scratch: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const isPacked = argument(args, PACKED) != 0
  const isQuick = argument(args, TYPE) == 1 && argument(args, IMPORTANCE) == 0 && (count & 7) == 0
  const pairs = (groups + 1) >> 1
  const end = shareEnd(pairs, thread, threads)
  for (let pair = shareBegin(pairs, thread, threads); pair < end; pair++) {
    const a = pair << 1
    const b = min<u32>(a + 1, groups - 1)
    if (!isQuick) {
      roundPair(args, scratch, a, b)
      continue
    }
    for (let group = a; group <= b; group++) {
      const isDone = searchQuickly(
        scratch,
        argument(args, VALUES) + ((<usize>group * count) << 2),
        count,
        bits,
        isSymmetric,
        codesOf(args, group, count, isPacked),
        isPacked,
        argument(args, SCALES) + ((<usize>group) << 2),
        argument(args, ZEROS) + ((<usize>group) << 2),
      )
      if (!isDone) roundPair(args, scratch, group, group)
    }
  }
}
