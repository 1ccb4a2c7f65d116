import {
  beginOf,
  BYTES,
  endOf,
  HALVES,
  hasImportance,
  IMPORTANCE,
  lanesOf,
  loadBlocks,
  outOf,
  SCALE_CODES,
  SCALES,
  scratchOf,
  SUMS,
  TABLES,
  toHalf,
  WEIGHTS,
  X,
} from './blocks'
import { codeAt, packHalves, spread, toInteger } from './bytes'
import {
  extremeOf,
  inverseOf,
  isLarge,
  nearestCode,
  ratioOf,
  sumOfSquares,
  weighByImportance,
  weighBySquares,
} from './sums'

// IQ4_NL and IQ4_XS: codes of 16 uneven levels (src/format/encode/iq4.ts).

/**
 * Sums of neighbouring levels lie 23 or more apart, so that of 32 stretches of 16 from −256 on each holds one at most.
 * For each stretch the tables hold the number of sums up to its beginning, and how far from there on it holds another
 * (16: none).
 */
function writeTables(tables: usize): void {
  // Built here: outside a device, memory holds no constants.
  v128.store(tables, i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113), 64)
  const levels = tables + 64
  for (let stretch: i32 = 0; stretch < 32; stretch++) {
    const start = 16 * stretch - 256
    let below = 0
    let next = 16
    for (let i: usize = 0; i < 15; i++) {
      const sum = <i32>load<i8>(levels + i) + <i32>load<i8>(levels + i, 1)
      if (sum <= start) below += 1
      else if (sum < start + 16) next = sum - start
    }
    store<u8>(tables + stretch, below)
    store<u8>(tables + stretch, next, 32)
  }
}

/** Twice the scaled value, rounded down and moved to 0 … 511. */
@inline
function place(scaled: v128): v128 {
  const twice = f32x4.floor(f32x4.add(scaled, scaled))
  return i32x4.add(toInteger(f32x4.pmin(f32x4.pmax(f32x4.splat(-256), twice), f32x4.splat(255))), i32x4.splat(256))
}

/** The codes of the levels nearest to four scaled values of each lane, the upper of two. */
@inline
function levelCodes(tables: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  const low = i16x8.narrow_i32x4_s(place(a), place(b))
  const high = i16x8.narrow_i32x4_s(place(c), place(d))
  const stretch = i8x16.narrow_i16x8_u(i16x8.shr_u(low, 4), i16x8.shr_u(high, 4))
  const upper = i8x16.sub(stretch, i8x16.splat(16))
  const within = i8x16.narrow_i16x8_u(v128.and(low, i16x8.splat(15)), v128.and(high, i16x8.splat(15)))
  const below = v128.or(i8x16.swizzle(v128.load(tables), stretch), i8x16.swizzle(v128.load(tables, 16), upper))
  const next = v128.or(i8x16.swizzle(v128.load(tables, 32), stretch), i8x16.swizzle(v128.load(tables, 48), upper))
  return i8x16.sub(below, i8x16.ge_u(within, next))
}

/** Scales of 32 values by weighted least squares: the best of those that send the extreme to −127, or near. */
function searchLevels(scratch: usize, x: usize, importance: usize, variance: v128): v128 {
  const weights = scratch + WEIGHTS
  const zero = f32x4.splat(0)
  if (importance) weighByImportance(x, importance, 32, variance, weights)
  else weighBySquares(x, 32, weights)
  const extreme = extremeOf(x, 32)
  const live = isLarge(extreme)
  let products = fitLevels(scratch, x, f32x4.div(f32x4.splat(1), f32x4.div(f32x4.neg(extreme), f32x4.splat(-127))))
  let scale = ratioOf(products, v128.load(scratch + SUMS))
  let best = f32x4.mul(scale, products)
  for (let n = -7; n <= 7; n++) {
    products = fitLevels(scratch, x, f32x4.div(f32x4.splat(<f32>(n - 127)), extreme))
    const squares = v128.load(scratch + SUMS)
    const better = v128.and(f32x4.gt(squares, zero), f32x4.gt(f32x4.mul(products, products), f32x4.mul(best, squares)))
    scale = v128.bitselect(f32x4.div(products, squares), scale, better)
    best = v128.bitselect(f32x4.mul(scale, products), best, better)
  }
  return v128.and(live, scale)
}

/** Σ w·x·level of the levels nearest to x · inverse; Σ w·level² goes to scratch. */
function fitLevels(scratch: usize, x: usize, inverse: v128): v128 {
  const tables = scratch + TABLES
  let products = f32x4.splat(0)
  let squares = products
  let weights = scratch + WEIGHTS
  for (const end = x + 512; x < end; x += 64, weights += 64) {
    const a = v128.load(x)
    const b = v128.load(x, 16)
    const c = v128.load(x, 32)
    const d = v128.load(x, 48)
    const level = i8x16.swizzle(
      v128.load(tables, 64),
      levelCodes(tables, f32x4.mul(inverse, a), f32x4.mul(inverse, b), f32x4.mul(inverse, c), f32x4.mul(inverse, d)),
    )
    const low = i16x8.extend_low_i8x16_s(level)
    const high = i16x8.extend_high_i8x16_s(level)
    let one = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low))
    let weighed = f32x4.mul(v128.load(weights), one)
    products = f32x4.add(products, f32x4.mul(weighed, a))
    squares = f32x4.add(squares, f32x4.mul(weighed, one))
    one = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low))
    weighed = f32x4.mul(v128.load(weights, 16), one)
    products = f32x4.add(products, f32x4.mul(weighed, b))
    squares = f32x4.add(squares, f32x4.mul(weighed, one))
    one = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high))
    weighed = f32x4.mul(v128.load(weights, 32), one)
    products = f32x4.add(products, f32x4.mul(weighed, c))
    squares = f32x4.add(squares, f32x4.mul(weighed, one))
    one = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high))
    weighed = f32x4.mul(v128.load(weights, 48), one)
    products = f32x4.add(products, f32x4.mul(weighed, d))
    squares = f32x4.add(squares, f32x4.mul(weighed, one))
  }
  v128.store(scratch + SUMS, squares)
  return products
}

/** Codes of 32 values · inverse to the bytes of the lanes, from byte `at` on. */
function roundLevels(scratch: usize, x: usize, inverse: v128, at: usize): void {
  const to = scratch + BYTES + at
  for (let i: usize = 0; i < 2; i++, x += 256)
    spread(
      sixteen(scratch, x, inverse),
      sixteen(scratch, x + 64, inverse),
      sixteen(scratch, x + 128, inverse),
      sixteen(scratch, x + 192, inverse),
      to + 16 * i,
    )
}

@inline
function sixteen(scratch: usize, x: usize, inverse: v128): v128 {
  return levelCodes(
    scratch + TABLES,
    f32x4.mul(inverse, v128.load(x)),
    f32x4.mul(inverse, v128.load(x, 16)),
    f32x4.mul(inverse, v128.load(x, 32)),
    f32x4.mul(inverse, v128.load(x, 48)),
  )
}

export function encodeIQ4NL(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  const x = scratch + X
  writeTables(scratch + TABLES)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 32)
    const variance = f32x4.mul(sumOfSquares(x, 32), f32x4.splat(0.0625))
    const scale = searchLevels(scratch, x, hasImportance(args) ? scratch + IMPORTANCE : 0, variance)
    toHalf(scale, scratch + HALVES)
    roundLevels(scratch, x, inverseOf(scale), 0)
    let out = outOf(args, block, 18)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 18) {
      store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)))
      packHalves(scratch + BYTES + (lane << 8), out + 2)
    }
  }
}

export function encodeIQ4XS(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  const x = scratch + X
  writeTables(scratch + TABLES)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 256)
    const variance = f32x4.mul(sumOfSquares(x, 256), f32x4.splat(0.0078125))
    for (let group: usize = 0; group < 8; group++) {
      v128.store(
        scratch + SCALES + (group << 4),
        searchLevels(
          scratch,
          x + (group << 9),
          hasImportance(args) ? scratch + IMPORTANCE + (group << 9) : 0,
          variance,
        ),
      )
    }
    // Codes are taken for the f32 scale, before it is rounded to f16.
    const d = f32x4.div(f32x4.neg(extremeOf(scratch + SCALES, 8)), f32x4.splat(32))
    const inverse = inverseOf(d)
    toHalf(d, scratch + HALVES)
    for (let group: usize = 0; group < 8; group++) {
      const code = nearestCode(
        f32x4.mul(inverse, v128.load(scratch + SCALES + (group << 4))),
        f32x4.splat(-32),
        f32x4.splat(31),
      )
      v128.store(scratch + SCALE_CODES + (group << 4), code)
      roundLevels(scratch, x + (group << 9), inverseOf(f32x4.mul(d, code)), group << 5)
    }
    let out = outOf(args, block, 136)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 136) {
      let high: u32 = 0
      let low: u32 = 0
      for (let group: u32 = 0; group < 8; group++) {
        const code = codeAt(scratch + SCALE_CODES + (group << 4), lane) + 32
        low |= (code & 15) << (4 * group)
        high |= (code >> 4) << (2 * group)
        packHalves(scratch + BYTES + (lane << 8) + (group << 5), out + 8 + (group << 4))
      }
      store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)))
      store<u16>(out, high, 2)
      store<u32>(out, low, 4)
    }
  }
}
