// The products of GPTQ on panels of 8 rows, f32 [columns][8]. Tiles of 4 columns by 8 rows are 8 accumulators.
import { madd, splat } from './lanes'

/**
 * current[c] = weights[c] + Σ_{j ≤ c} pending[j] · U[j][c] for `count` columns; `upper` f32 [count][count] holds row
 * c: U[0 … c][c].
 */
export function currentPanel(weights: usize, pending: usize, upper: usize, count: u32, current: usize): void {
  for (let column: u32 = 0; column < count; column++, upper += (<usize>count) << 2, weights += 32, current += 32) {
    let a = v128.load(weights)
    let b = v128.load(weights, 16)
    let from = pending
    for (let weight = upper, end = upper + ((<usize>(column + 1)) << 2); weight < end; weight += 4, from += 32) {
      const w = splat(weight)
      a = madd(v128.load(from), w, a)
      b = madd(v128.load(from, 16), w, b)
    }
    v128.store(current, a)
    v128.store(current, b, 16)
  }
}

/**
 * pending[l] += Σ_j lost[j] · R[j][l] for l = from … to − 1 (whole tiles of 4), `count` lines j of R from `factor` f32
 * [][stride].
 */
export function pendingPanel(
  lost: usize,
  factor: usize,
  stride: u32,
  count: u32,
  from: u32,
  to: u32,
  pending: usize,
): void {
  for (let column = from; column < to; column += 4)
    forward(lost, factor + ((<usize>column) << 2), (<usize>stride) << 2, count, pending + ((<usize>column) << 5))
}

export function forward(lost: usize, factor: usize, line: usize, count: u32, at: usize): void {
  let a0 = v128.load(at)
  let b0 = v128.load(at, 16)
  let a1 = v128.load(at, 32)
  let b1 = v128.load(at, 48)
  let a2 = v128.load(at, 64)
  let b2 = v128.load(at, 80)
  let a3 = v128.load(at, 96)
  let b3 = v128.load(at, 112)
  for (let j: u32 = 0; j < count; j++, lost += 32, factor += line) {
    const x = v128.load(lost)
    const y = v128.load(lost, 16)
    let w = splat(factor)
    a0 = madd(x, w, a0)
    b0 = madd(y, w, b0)
    w = splat(factor + 4)
    a1 = madd(x, w, a1)
    b1 = madd(y, w, b1)
    w = splat(factor + 8)
    a2 = madd(x, w, a2)
    b2 = madd(y, w, b2)
    w = splat(factor + 12)
    a3 = madd(x, w, a3)
    b3 = madd(y, w, b3)
  }
  v128.store(at, a0)
  v128.store(at, b0, 16)
  v128.store(at, a1, 32)
  v128.store(at, b1, 48)
  v128.store(at, a2, 64)
  v128.store(at, b2, 80)
  v128.store(at, a3, 96)
  v128.store(at, b3, 112)
}

/**
 * gradient[i] = −Σ_{l ≥ i} R[i][l] · errors[l] for all columns (whole tiles of 4): the errors, which are kept negated,
 * times Rᵀ.
 */
export function gradientPanel(errors: usize, factor: usize, stride: u32, columns: u32, gradient: usize): void {
  for (let column: u32 = 0; column < columns; column += 4) {
    backward(
      errors + ((<usize>column) << 5),
      factor + ((<usize>column * stride + column) << 2),
      (<usize>stride) << 2,
      columns - column,
      gradient + ((<usize>column) << 5),
    )
  }
}

export function backward(errors: usize, factor: usize, line: usize, count: u32, at: usize): void {
  let a0 = f32x4.splat(0)
  let b0 = a0
  let a1 = a0
  let b1 = a0
  let a2 = a0
  let b2 = a0
  let a3 = a0
  let b3 = a0
  for (let l: u32 = 0; l < count; l++, errors += 32, factor += 4) {
    const x = v128.load(errors)
    const y = v128.load(errors, 16)
    let w = splat(factor)
    a0 = madd(x, w, a0)
    b0 = madd(y, w, b0)
    w = splat(factor + line)
    a1 = madd(x, w, a1)
    b1 = madd(y, w, b1)
    w = splat(factor + 2 * line)
    a2 = madd(x, w, a2)
    b2 = madd(y, w, b2)
    w = splat(factor + 3 * line)
    a3 = madd(x, w, a3)
    b3 = madd(y, w, b3)
  }
  v128.store(at, f32x4.neg(a0))
  v128.store(at, f32x4.neg(b0), 16)
  v128.store(at, f32x4.neg(a1), 32)
  v128.store(at, f32x4.neg(b1), 48)
  v128.store(at, f32x4.neg(a2), 64)
  v128.store(at, f32x4.neg(b2), 80)
  v128.store(at, f32x4.neg(a3), 96)
  v128.store(at, f32x4.neg(b3), 112)
}

/** Solves X · Rᵀ = B for X in place of B f32 [columns][8], whole tiles of 4 columns from the last to the first. */
export function solvePanel(panel: usize, factor: usize, stride: u32, columns: u32): void {
  const line = (<usize>stride) << 2
  for (let column = columns; column > 0; ) {
    column -= 4
    const at = panel + ((<usize>column) << 5)
    const tile = factor + ((<usize>column * stride + column) << 2)
    solveTile(at, tile, line, columns - column)
  }
}

/** The first 4 of `count` columns, of which all later ones are solved; `factor` is R from their first on. */
export function solveTile(at: usize, factor: usize, line: usize, count: u32): void {
  let a0 = f32x4.splat(0)
  let b0 = a0
  let a1 = a0
  let b1 = a0
  let a2 = a0
  let b2 = a0
  let a3 = a0
  let b3 = a0
  let from = at + 128
  for (let l: u32 = 4, weight = factor + 16; l < count; l++, from += 32, weight += 4) {
    const x = v128.load(from)
    const y = v128.load(from, 16)
    let w = splat(weight)
    a0 = madd(x, w, a0)
    b0 = madd(y, w, b0)
    w = splat(weight + line)
    a1 = madd(x, w, a1)
    b1 = madd(y, w, b1)
    w = splat(weight + 2 * line)
    a2 = madd(x, w, a2)
    b2 = madd(y, w, b2)
    w = splat(weight + 3 * line)
    a3 = madd(x, w, a3)
    b3 = madd(y, w, b3)
  }
  store4(at, a0, b0, a1, b1, a2, b2, a3, b3)
  for (let column: usize = 4; column > 0; ) {
    column--
    const row = factor + column * line
    for (let half: usize = 0; half < 32; half += 16) {
      let value = v128.load(at + column * 32 + half)
      for (let later = column + 1; later < 4; later++)
        value = f32x4.sub(value, f32x4.mul(v128.load(at + later * 32 + half), splat(row + later * 4)))
      v128.store(at + column * 32 + half, f32x4.div(value, splat(row + column * 4)))
    }
  }
}

/** Subtracts from 4 columns. */
function store4(at: usize, a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128): void {
  v128.store(at, f32x4.sub(v128.load(at), a0))
  v128.store(at, f32x4.sub(v128.load(at, 16), b0), 16)
  v128.store(at, f32x4.sub(v128.load(at, 32), a1), 32)
  v128.store(at, f32x4.sub(v128.load(at, 48), b1), 48)
  v128.store(at, f32x4.sub(v128.load(at, 64), a2), 64)
  v128.store(at, f32x4.sub(v128.load(at, 80), b2), 80)
  v128.store(at, f32x4.sub(v128.load(at, 96), a3), 96)
  v128.store(at, f32x4.sub(v128.load(at, 112), b3), 112)
}
