// The sweep of GPTQ over a group of columns, 8 rows at a time: each column is rounded, and later ones take its error.
import { integerCode, tableCode, tableValue } from './codes'
import { IS_TABLE, LAST_CODE, MIDDLES, VALUES } from './grid'
import { COLUMN, ENTRY, madd, splat } from './lanes'

/**
 * Sweeps with each of the `keep` entries of `list` (fit.ts) and takes, for each row, the one that loses least: `chosen`
 * f32 [2][8] gets its scale and zero. `errors` f32 [count][8] is scratch.
 */
export function simulatePanel(
  x: usize,
  count: u32,
  upper: usize,
  roots: usize,
  grid: usize,
  list: usize,
  keep: u32,
  chosen: usize,
  errors: usize,
): void {
  for (let half: usize = 0; half < COLUMN; half += 16) {
    let best = f32x4.splat(Infinity)
    // If every scale rounds to zero, none has a finite loss: a scale of 1 replaces what the group before left here.
    v128.store(chosen + half, f32x4.splat(1))
    v128.store(chosen + half, v128.load(list + half, 64), 32)
    for (let entry = list + half, end = list + half + <usize>keep * ENTRY; entry < end; entry += ENTRY) {
      const scale = v128.load(entry, 32)
      const zero = v128.load(entry, 64)
      const loss = sweepLanes(x + half, count, upper, roots, grid, scale, zero, errors + half, 0, 0)
      const better = f32x4.lt(loss, best)
      best = v128.bitselect(loss, best, better)
      v128.store(chosen + half, v128.bitselect(scale, v128.load(chosen + half), better))
      v128.store(chosen + half, v128.bitselect(zero, v128.load(chosen + half, 32), better), 32)
    }
  }
}

/**
 * Rounds `count` columns `x` f32 [count][8], which stay, with the scales and zeros `chosen`. Writes `errors`, `rounded`
 * and `codes`, f32 [count][8] each, and adds to `loss` f32 [8].
 */
export function sweepPanel(
  x: usize,
  count: u32,
  upper: usize,
  roots: usize,
  grid: usize,
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
      roots,
      grid,
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
 * Sweeps 4 rows and returns what each loses. Line l of `upper` f32 [count][count] is U[0 … l − 1][l], the weights of
 * earlier errors in column l; `roots`[l] is 1 / U[l][l]. `rounded` and `codes` may be 0: then they are not written.
 */
export function sweepLanes(
  x: usize,
  count: u32,
  upper: usize,
  roots: usize,
  grid: usize,
  scale: v128,
  zero: v128,
  errors: usize,
  rounded: usize,
  codes: usize,
): v128 {
  const isTable = load<i32>(grid, IS_TABLE)
  const last = splat(grid + LAST_CODE)
  const table = load<usize>(grid, VALUES)
  const middles = load<usize>(grid, MIDDLES)
  const middlesEnd = middles + <usize>load<f32>(grid, LAST_CODE) * 4
  const inverse = f32x4.div(f32x4.splat(1), scale)
  let loss = f32x4.splat(0)
  for (let column: u32 = 0; column < count; column++, upper += (<usize>count) << 2, roots += 4) {
    let a = v128.load(x + <usize>column * COLUMN)
    let b = f32x4.splat(0)
    let c = b
    let d = b
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
    // Later columns subtract errors; kept negated, they can be added by a multiply-add.
    v128.store(errors + <usize>column * COLUMN, f32x4.neg(error))
    if (rounded) v128.store(rounded + <usize>column * COLUMN, nearest)
  }
  return loss
}
