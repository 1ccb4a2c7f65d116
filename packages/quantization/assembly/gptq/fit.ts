// The search for the scales and zeros of a group of columns, 8 rows at a time.
import { integerCode, tableValue } from './codes'
import {
  CANDIDATES,
  CUT_BITS,
  FACTOR_STEP,
  FIRST_FACTOR,
  IS_SYMMETRIC,
  IS_TABLE,
  LARGEST_VALUE,
  LAST_CODE,
  MIDDLE_CODE,
  MIDDLES,
  VALUES,
  ZEROS_TRIED,
} from './grid'
import { COLUMN, ENTRY, least, madd, most, roundScale, splat } from './lanes'

/**
 * Finds the scales and zeros of 8 rows with the least Σ cost · error² over `count` columns `x`. `list` gets the best
 * `keep` of them, the best first: error, scale and zero, f32 [keep][3][8].
 */
export function fitPanel(x: usize, count: u32, costs: usize, grid: usize, list: usize, keep: u32): void {
  for (let half: usize = 0; half < COLUMN; half += 16) fitLanes(x + half, count, costs, grid, list + half, keep)
}

function fitLanes(x: usize, count: u32, costs: usize, grid: usize, list: usize, keep: u32): void {
  const end = x + <usize>count * COLUMN
  let low = f32x4.splat(0)
  let high = low
  for (let at = x; at < end; at += COLUMN) {
    const value = v128.load(at)
    low = least(low, value)
    high = most(high, value)
  }
  const isTable = load<i32>(grid, IS_TABLE)
  const isSymmetric = load<i32>(grid, IS_SYMMETRIC)
  const last = splat(grid + LAST_CODE)
  const cut = load<i32>(grid, CUT_BITS)
  const extreme = most(high, f32x4.neg(low))
  let wide = f32x4.div(isSymmetric ? f32x4.add(extreme, extreme) : f32x4.sub(high, low), last)
  if (isTable) wide = f32x4.div(extreme, splat(grid + LARGEST_VALUE))
  // A group of zeros takes any scale.
  wide = v128.bitselect(wide, f32x4.splat(1), f32x4.gt(wide, f32x4.splat(0)))
  const zero = isSymmetric
    ? splat(grid + MIDDLE_CODE)
    : most(least(f32x4.nearest(f32x4.div(f32x4.neg(low), wide)), last), f32x4.splat(0))
  for (let entry: u32 = 0; entry < keep; entry++) {
    v128.store(list + <usize>entry * ENTRY, f32x4.splat(Infinity))
    v128.store(list + <usize>entry * ENTRY + 32, roundScale(wide, cut))
    v128.store(list + <usize>entry * ENTRY + 64, zero)
  }
  const candidates = load<u32>(grid, CANDIDATES)
  const shifts = load<i32>(grid, ZEROS_TRIED)
  let factor = load<f32>(grid, FIRST_FACTOR)
  for (let candidate: u32 = 0; candidate < candidates; candidate++, factor -= load<f32>(grid, FACTOR_STEP)) {
    const scale = roundScale(f32x4.mul(wide, f32x4.splat(factor)), cut)
    for (let shift = 0; shift < shifts; shift++) {
      const shifted =
        shift == 0 ? zero : most(least(f32x4.add(zero, f32x4.splat(shift == 1 ? 1 : -1)), last), f32x4.splat(0))
      let error = isTable ? tableError(x, end, costs, scale, grid) : integerError(x, end, costs, scale, shifted, last)
      // A scale that rounds to zero is useless.
      error = v128.bitselect(error, f32x4.splat(Infinity), f32x4.gt(scale, f32x4.splat(0)))
      insert(list, keep, error, scale, shifted)
    }
  }
  if (candidates == 1) return
  // Least squares refits the best scale to the codes that it leads to, twice.
  for (let turn = 0; turn < 2; turn++) {
    const best = v128.load(list, 32)
    const bestZero = v128.load(list, 64)
    const scale = roundScale(
      isTable ? tableRefit(x, end, costs, best, grid) : integerRefit(x, end, costs, best, bestZero, last),
      cut,
    )
    let error = isTable ? tableError(x, end, costs, scale, grid) : integerError(x, end, costs, scale, bestZero, last)
    error = v128.bitselect(error, f32x4.splat(Infinity), f32x4.gt(scale, f32x4.splat(0)))
    insert(list, keep, error, scale, bestZero)
  }
}

/** Inserts an entry into a list sorted by error; the last one falls out. */
function insert(list: usize, keep: u32, error: v128, scale: v128, zero: v128): void {
  for (let entry = list, end = list + <usize>keep * ENTRY; entry < end; entry += ENTRY) {
    const e = v128.load(entry)
    const s = v128.load(entry, 32)
    const z = v128.load(entry, 64)
    const better = f32x4.lt(error, e)
    v128.store(entry, v128.bitselect(error, e, better))
    v128.store(entry, v128.bitselect(scale, s, better), 32)
    v128.store(entry, v128.bitselect(zero, z, better), 64)
    error = v128.bitselect(e, error, better)
    scale = v128.bitselect(s, scale, better)
    zero = v128.bitselect(z, zero, better)
  }
}

export function integerError(x: usize, end: usize, costs: usize, scale: v128, zero: v128, last: v128): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  let sum = f32x4.splat(0)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const error = f32x4.sub(value, f32x4.mul(scale, f32x4.sub(integerCode(value, inverse, zero, last), zero)))
    sum = madd(f32x4.mul(error, splat(costs)), error, sum)
  }
  return sum
}

export function tableError(x: usize, end: usize, costs: usize, scale: v128, grid: usize): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  const table = load<usize>(grid, VALUES)
  const middles = load<usize>(grid, MIDDLES)
  const last = middles + <usize>load<f32>(grid, LAST_CODE) * 4
  let sum = f32x4.splat(0)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const error = f32x4.sub(value, f32x4.mul(scale, tableValue(value, inverse, table, middles, last)))
    sum = madd(f32x4.mul(error, splat(costs)), error, sum)
  }
  return sum
}

/** The scale with the least weighted squared error for the codes that `scale` leads to. */
export function integerRefit(x: usize, end: usize, costs: usize, scale: v128, zero: v128, last: v128): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  let products = f32x4.splat(0)
  let squares = f32x4.splat(1e-30)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const unit = f32x4.sub(integerCode(value, inverse, zero, last), zero)
    const weighted = f32x4.mul(unit, splat(costs))
    products = madd(weighted, value, products)
    squares = madd(weighted, unit, squares)
  }
  return f32x4.div(products, squares)
}

export function tableRefit(x: usize, end: usize, costs: usize, scale: v128, grid: usize): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  const table = load<usize>(grid, VALUES)
  const middles = load<usize>(grid, MIDDLES)
  const last = middles + <usize>load<f32>(grid, LAST_CODE) * 4
  let products = f32x4.splat(0)
  let squares = f32x4.splat(1e-30)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const unit = tableValue(value, inverse, table, middles, last)
    const weighted = f32x4.mul(unit, splat(costs))
    products = madd(weighted, value, products)
    squares = madd(weighted, unit, squares)
  }
  return f32x4.div(products, squares)
}
