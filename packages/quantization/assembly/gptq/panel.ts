// What GPTQ does to a group of columns of 8 rows: scales by search, the choice among the best of them by going through with each, and
// the sweep itself.
import { least, madd, most, roundScale, splat } from './lanes'

/** Bytes of a column of a panel. */
const COLUMN: usize = 32

// @ts-ignore: decorator
@inline
function integerCode(value: v128, inverse: v128, zero: v128, last: v128): v128 {
  return most(least(f32x4.add(f32x4.nearest(f32x4.mul(value, inverse)), zero), last), f32x4.splat(0))
}

/** The index of the nearest value of a rising table: how many middles between neighbours lie below. */
// @ts-ignore: decorator
@inline
function tableCode(value: v128, inverse: v128, middles: usize, end: usize): v128 {
  const scaled = f32x4.mul(value, inverse)
  let count = i32x4.splat(0)
  for (let at = middles; at < end; at += 4) count = i32x4.sub(count, f32x4.gt(scaled, splat(at)))
  return count
}

/** The nearest value of a rising table. */
// @ts-ignore: decorator
@inline
function tableValue(value: v128, inverse: v128, table: usize, middles: usize, end: usize): v128 {
  const scaled = f32x4.mul(value, inverse)
  let found = splat(table)
  for (let at = middles; at < end; at += 4)
    found = v128.bitselect(splat(table + 4 + (at - middles)), found, f32x4.gt(scaled, splat(at)))
  return found
}

/**
 * The best scales and zeros of 8 rows by summed cost · error²: `list` holds `keep` entries of error, scale and zero, f32 [keep][3][8], best first.
 */
export function fitPanel(x: usize, count: u32, costs: usize, p: usize, list: usize, keep: u32): void {
  for (let half: usize = 0; half < COLUMN; half += 16) fitLanes(x + half, count, costs, p, list + half, keep)
}

function fitLanes(x: usize, count: u32, costs: usize, p: usize, list: usize, keep: u32): void {
  const end = x + <usize>count * COLUMN
  let low = f32x4.splat(0)
  let high = low
  for (let at = x; at < end; at += COLUMN) {
    const value = v128.load(at)
    low = least(low, value)
    high = most(high, value)
  }
  const isTable = load<i32>(p)
  const isSymmetric = load<i32>(p, 8)
  const last = splat(p + 4)
  const cut = load<i32>(p, 12)
  const extreme = most(high, f32x4.neg(low))
  let wide = f32x4.div(isSymmetric ? f32x4.add(extreme, extreme) : f32x4.sub(high, low), last)
  if (isTable) wide = f32x4.div(extreme, splat(p + 44))
  // A group of zeros: any scale does.
  wide = v128.bitselect(wide, f32x4.splat(1), f32x4.gt(wide, f32x4.splat(0)))
  const zero = isSymmetric
    ? splat(p + 36)
    : most(least(f32x4.nearest(f32x4.div(f32x4.neg(low), wide)), last), f32x4.splat(0))
  for (let entry: u32 = 0; entry < keep; entry++) {
    v128.store(list + <usize>entry * 96, f32x4.splat(Infinity))
    v128.store(list + <usize>entry * 96 + 32, roundScale(wide, cut))
    v128.store(list + <usize>entry * 96 + 64, zero)
  }
  const candidates = load<u32>(p, 16)
  const shifts = load<i32>(p, 40)
  let factor = load<f32>(p, 20)
  for (let candidate: u32 = 0; candidate < candidates; candidate++, factor -= load<f32>(p, 24)) {
    const scale = roundScale(f32x4.mul(wide, f32x4.splat(factor)), cut)
    for (let shift = 0; shift < shifts; shift++) {
      const shifted =
        shift == 0 ? zero : most(least(f32x4.add(zero, f32x4.splat(shift == 1 ? 1 : -1)), last), f32x4.splat(0))
      let error = isTable ? tableError(x, end, costs, scale, p) : integerError(x, end, costs, scale, shifted, last)
      // A scale that rounds to zero is none.
      error = v128.bitselect(error, f32x4.splat(Infinity), f32x4.gt(scale, f32x4.splat(0)))
      insert(list, keep, error, scale, shifted)
    }
  }
  if (candidates == 1) return
  // The best is refitted to the codes that it leads to, twice.
  for (let turn = 0; turn < 2; turn++) {
    const best = v128.load(list, 32),
      bestZero = v128.load(list, 64)
    const scale = roundScale(
      isTable ? tableRefit(x, end, costs, best, p) : integerRefit(x, end, costs, best, bestZero, last),
      cut,
    )
    let error = isTable ? tableError(x, end, costs, scale, p) : integerError(x, end, costs, scale, bestZero, last)
    error = v128.bitselect(error, f32x4.splat(Infinity), f32x4.gt(scale, f32x4.splat(0)))
    insert(list, keep, error, scale, bestZero)
  }
}

/** Into a list that is sorted by error. */
function insert(list: usize, keep: u32, error: v128, scale: v128, zero: v128): void {
  for (let entry = list, end = list + <usize>keep * 96; entry < end; entry += 96) {
    const e = v128.load(entry),
      s = v128.load(entry, 32),
      z = v128.load(entry, 64)
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

export function tableError(x: usize, end: usize, costs: usize, scale: v128, p: usize): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  const table = load<usize>(p, 28),
    middles = load<usize>(p, 32),
    last = middles + <usize>load<f32>(p, 4) * 4
  let sum = f32x4.splat(0)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const error = f32x4.sub(value, f32x4.mul(scale, tableValue(value, inverse, table, middles, last)))
    sum = madd(f32x4.mul(error, splat(costs)), error, sum)
  }
  return sum
}

/** The scale of least weighted squared error for the codes of the present one. */
export function integerRefit(x: usize, end: usize, costs: usize, scale: v128, zero: v128, last: v128): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  let products = f32x4.splat(0),
    squares = f32x4.splat(1e-30)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const unit = f32x4.sub(integerCode(value, inverse, zero, last), zero)
    const weighted = f32x4.mul(unit, splat(costs))
    products = madd(weighted, value, products)
    squares = madd(weighted, unit, squares)
  }
  return f32x4.div(products, squares)
}

export function tableRefit(x: usize, end: usize, costs: usize, scale: v128, p: usize): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scale)
  const table = load<usize>(p, 28),
    middles = load<usize>(p, 32),
    last = middles + <usize>load<f32>(p, 4) * 4
  let products = f32x4.splat(0),
    squares = f32x4.splat(1e-30)
  for (; x < end; x += COLUMN, costs += 4) {
    const value = v128.load(x)
    const unit = tableValue(value, inverse, table, middles, last)
    const weighted = f32x4.mul(unit, splat(costs))
    products = madd(weighted, value, products)
    squares = madd(weighted, unit, squares)
  }
  return f32x4.div(products, squares)
}

/**
 * Of the `keep` entries of `list` the one whose sweep loses least, each row for itself, to `chosen` f32 [2][8] (scale, zero).
 * `errors` f32 [count][8] is scratch.
 */
export function simulatePanel(
  x: usize,
  count: u32,
  upper: usize,
  stride: u32,
  roots: usize,
  p: usize,
  list: usize,
  keep: u32,
  chosen: usize,
  errors: usize,
): void {
  for (let half: usize = 0; half < COLUMN; half += 16) {
    let best = f32x4.splat(Infinity)
    // Where every scale rounds to zero, one leaves no group's codes to what the group before had.
    v128.store(chosen + half, f32x4.splat(1))
    v128.store(chosen + half, v128.load(list + half, 64), 32)
    for (let entry = list + half, end = list + half + <usize>keep * 96; entry < end; entry += 96) {
      const scale = v128.load(entry, 32),
        zero = v128.load(entry, 64)
      const loss = sweepLanes(x + half, count, upper, stride, roots, p, scale, zero, errors + half, 0, 0)
      const better = f32x4.lt(loss, best)
      best = v128.bitselect(loss, best, better)
      v128.store(chosen + half, v128.bitselect(scale, v128.load(chosen + half), better))
      v128.store(chosen + half, v128.bitselect(zero, v128.load(chosen + half, 32), better), 32)
    }
  }
}

/** Rounds a block of 8 rows: `x` f32 [count][8] stays, `errors` f32 [count][8], `rounded` f32 and `codes` f32 [count][8] are written; `loss` f32[8] grows. */
export function sweepPanel(
  x: usize,
  count: u32,
  upper: usize,
  stride: u32,
  roots: usize,
  p: usize,
  chosen: usize,
  errors: usize,
  rounded: usize,
  codes: usize,
  loss: usize,
): void {
  for (let half: usize = 0; half < COLUMN; half += 16) {
    const lost = sweepLanes(
      x + half,
      count,
      upper,
      stride,
      roots,
      p,
      v128.load(chosen + half),
      v128.load(chosen + half, 32),
      errors + half,
      rounded + half,
      codes + half,
    )
    v128.store(loss + half, f32x4.add(v128.load(loss + half), lost))
  }
}

/**
 * `upper` f32 [count][stride] holds row l: U[0 … l − 1][l], the weights of earlier errors in column l; `roots`[l] is 1 / U[l][l].
 */
export function sweepLanes(
  x: usize,
  count: u32,
  upper: usize,
  stride: u32,
  roots: usize,
  p: usize,
  scale: v128,
  zero: v128,
  errors: usize,
  rounded: usize,
  codes: usize,
): v128 {
  const isTable = load<i32>(p)
  const last = splat(p + 4)
  const table = load<usize>(p, 28),
    middles = load<usize>(p, 32),
    middlesEnd = middles + <usize>load<f32>(p, 4) * 4
  const inverse = f32x4.div(f32x4.splat(1), scale)
  let loss = f32x4.splat(0)
  for (let column: u32 = 0; column < count; column++, upper += (<usize>stride) << 2, roots += 4) {
    let a = v128.load(x + <usize>column * COLUMN)
    let b = f32x4.splat(0),
      c = b,
      d = b
    let from = errors
    let weight = upper
    const quads = upper + ((<usize>(column & ~3)) << 2)
    for (; weight < quads; weight += 16, from += 4 * COLUMN) {
      a = madd(v128.load(from), splat(weight), a)
      b = madd(v128.load(from, 32), splat(weight + 4), b)
      c = madd(v128.load(from, 64), splat(weight + 8), c)
      d = madd(v128.load(from, 96), splat(weight + 12), d)
    }
    for (const rest = upper + ((<usize>column) << 2); weight < rest; weight += 4, from += COLUMN)
      a = madd(v128.load(from), splat(weight), a)
    const value = f32x4.add(f32x4.add(a, b), f32x4.add(c, d))
    let code: v128, nearest: v128
    if (isTable) {
      nearest = f32x4.mul(scale, tableValue(value, inverse, table, middles, middlesEnd))
      if (codes)
        v128.store(
          codes + <usize>column * COLUMN,
          f32x4.convert_i32x4_s(tableCode(value, inverse, middles, middlesEnd)),
        )
    } else {
      code = integerCode(value, inverse, zero, last)
      nearest = f32x4.mul(scale, f32x4.sub(code, zero))
      if (codes) v128.store(codes + <usize>column * COLUMN, code)
    }
    const error = f32x4.mul(f32x4.sub(value, nearest), splat(roots))
    loss = madd(error, error, loss)
    // Later columns subtract it: it is kept negated, so that they add.
    v128.store(errors + <usize>column * COLUMN, f32x4.neg(error))
    if (rounded) v128.store(rounded + <usize>column * COLUMN, nearest)
  }
  return loss
}
