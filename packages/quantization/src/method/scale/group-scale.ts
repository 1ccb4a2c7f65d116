import type { CodebookGrid, Grid, IntegerGrid } from '../../quantized-matrix/index.ts'
import { nearestEven } from '../../format/encode/rounding.ts'
import { scaleRounder } from './round-scale.ts'

/**
 * How a group's scale is found. `range`: the grid spans the smallest and the largest weight. `search`: the scale (and
 * zero) of least weighted squared error among clipped ranges, each refitted by least squares to the codes that it leads
 * to.
 */
export type ScaleRule = 'range' | 'search'

/** Scale and zero of one group, and the codes that they give. */
export interface GroupScale {
  scale: number
  /** In units of codes; for codebooks 0. */
  zero: number
  /** For codebooks, the codes that may be chosen by rising value; empty for integers. */
  readonly rising: readonly number[]
  /** The best that the last search found, best first, as many as were asked for; empty under `range`. */
  readonly candidates: readonly ScaleCandidate[]
  /**
   * Chooses scale and zero for x[at … at + count); `weights[i]` is the cost of a squared error in x[at + i], 1 where
   * absent.
   */
  fit(x: Values, at: number, count: number, weights: Values | undefined): void
  /** Summed cost times squared error of the present scale. */
  error(x: Values, at: number, count: number, weights: Values | undefined): number
  /** The code of a value. */
  code(value: number): number
  /** Value of a code, as `dequantizeMatrix` computes it. */
  value(code: number): number
}

export interface ScaleCandidate {
  readonly scale: number
  readonly zero: number
  /** Summed cost times squared error. */
  readonly error: number
}

type Values = Float64Array | Float32Array

/**
 * @param spread symmetric integers under `range`: `full` lays the largest weight half a step beyond the last code, as
 *   GPTQ does; `narrow` lays it onto the last code and leaves the lowest code unused
 * @param keep candidates that a search remembers
 */
export function createGroupScale(grid: Grid, rule: ScaleRule, spread: 'full' | 'narrow', keep = 1): GroupScale {
  return grid.kind === 'codebook' ? codebookScale(grid, rule, keep) : integerScale(grid, rule, spread, keep)
}

/** Number of clipped ranges that `search` tries. */
export const searchSteps = 32

/** By what fraction of the whole range they differ: down to 0.38 of it, less far where there are codes enough. */
export function searchStep(grid: Grid): number {
  if (grid.kind === 'codebook') return grid.values.length > 16 ? 0.005 : 0.02
  return { 2: 0.02, 3: 0.02, 4: 0.0125, 8: 0.001 }[grid.bits]
}

function integerScale(grid: IntegerGrid, rule: ScaleRule, spread: 'full' | 'narrow', keep: number): GroupScale {
  const round = scaleRounder(grid.scaleType)
  const last = 2 ** grid.bits - 1
  const middle = 2 ** (grid.bits - 1)
  const lowest = grid.isSymmetric && rule === 'range' && spread === 'narrow' ? 1 : 0
  const candidates: ScaleCandidate[] = []
  const group: GroupScale = {
    scale: 1,
    zero: middle,
    rising: [],
    candidates,
    fit(x, at, count, weights) {
      let low = 0
      let high = 0
      for (let i = at; i < at + count; i++) {
        const value = x[i] as number
        if (value < low) low = value
        if (value > high) high = value
      }
      const extreme = Math.max(high, -low)
      const step = !grid.isSymmetric
        ? (high - low) / last
        : spread === 'narrow'
          ? extreme / (last - middle)
          : (2 * extreme) / last
      group.scale = step > 0 ? round(step) : 1
      group.zero = grid.isSymmetric ? middle : Math.min(Math.max(nearestEven(-low / (step || 1)), 0), last)
      candidates.length = 0
      if (rule === 'search' && step > 0)
        search(
          group,
          candidates,
          keep,
          grid.isSymmetric ? undefined : last,
          step,
          searchStep(grid),
          x,
          at,
          count,
          weights,
          round,
        )
    },
    // The search lives here: no call for each value.
    error(x, at, count, weights) {
      const { scale, zero } = group
      const inverse = 1 / scale
      const first = lowest - zero
      const end = last - zero
      let sum = 0
      for (let i = 0; i < count; i++) {
        const value = x[at + i] as number
        let unit = nearestEven(value * inverse)
        if (unit < first) unit = first
        if (unit > end) unit = end
        const error = value - scale * unit
        sum += weights ? (weights[i] as number) * error * error : error * error
      }
      return sum
    },
    code(value) {
      const code = nearestEven(value / group.scale) + group.zero
      return Math.min(Math.max(code, lowest), last)
    },
    value: (code) => Math.fround(group.scale * (code - group.zero)),
  }
  return group
}

/** @param last the largest zero, where there are zeros to move */
function search(
  group: GroupScale,
  candidates: ScaleCandidate[],
  keep: number,
  last: number | undefined,
  widest: number,
  step: number,
  x: Values,
  at: number,
  count: number,
  weights: Values | undefined,
  round: (scale: number) => number,
): void {
  const { zero } = group
  const attempt = (scale: number, zeroNow: number): void => {
    group.scale = round(scale)
    group.zero = zeroNow
    if (!(group.scale > 0) || zeroNow < 0 || (last !== undefined && zeroNow > last)) return
    const error = group.error(x, at, count, weights)
    let place = candidates.length
    while (place > 0 && error < (candidates[place - 1] as ScaleCandidate).error) place--
    if (place === keep) return
    candidates.splice(place, 0, { scale: group.scale, zero: zeroNow, error })
    if (candidates.length > keep) candidates.pop()
  }
  const useBest = (): void => {
    const [best] = candidates
    if (!best) return
    group.scale = best.scale
    group.zero = best.zero
  }
  const shifts = last === undefined ? [0] : [0, 1, -1]
  if (keep > 1) {
    for (let i = 0; i < searchSteps; i++) for (const shift of shifts) attempt(widest * (1 - i * step), zero + shift)
  } else {
    // Only the best is wanted: every third scale, then its neighbours, with other zeros too.
    for (let i = 0; i < searchSteps; i += 3) attempt(widest * (1 - i * step), zero)
    useBest()
    const { scale } = group
    for (const change of [1, -1, 2, -2]) attempt(scale + change * step * widest, zero)
    useBest()
    const { scale: nearer } = group
    for (const shift of shifts)
      if (shift !== 0) for (const change of [0, 1, -1]) attempt(nearer + change * step * widest, zero + shift)
  }
  for (let turn = 0; turn < 2; turn++) {
    useBest()
    attempt(refit(group, x, at, count, weights), group.zero)
  }
  useBest()
}

/** The scale of least weighted squared error for the codes of the present one. */
function refit(group: GroupScale, x: Values, at: number, count: number, weights: Values | undefined): number {
  let products = 0
  let squares = 0
  for (let i = 0; i < count; i++) {
    const value = x[at + i] as number
    const unit = group.value(group.code(value)) / group.scale
    const weight = weights ? (weights[i] as number) : 1
    products += weight * unit * value
    squares += weight * unit * unit
  }
  return squares > 0 ? products / squares : group.scale
}

function codebookScale(grid: CodebookGrid, rule: ScaleRule, keep: number): GroupScale {
  const round = scaleRounder(grid.scaleType)
  const order = [...grid.values.keys()]
    .filter((code) => Number.isFinite(grid.values[code]) && !Object.is(grid.values[code], -0))
    .sort((a, b) => (grid.values[a] as number) - (grid.values[b] as number))
  const minusZero = grid.values.findIndex((value) => Object.is(value, -0))
  const values = Float64Array.from(order, (code) => grid.values[code] as number)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  // Filled up to a power of two, so that halving steps never leave it.
  const firstStep = 2 ** Math.ceil(Math.log2(values.length)) / 2
  const middles = Float64Array.from({ length: 2 * firstStep - 1 }, (_, i) =>
    i + 1 < values.length ? ((values[i] as number) + (values[i + 1] as number)) / 2 : Number.POSITIVE_INFINITY,
  )
  const candidates: ScaleCandidate[] = []
  const group: GroupScale = {
    scale: 1,
    zero: 0,
    rising: order,
    candidates,
    fit(x, at, count, weights) {
      let extreme = 0
      for (let i = at; i < at + count; i++) extreme = Math.max(extreme, Math.abs(x[i] as number))
      const step = extreme / largest
      group.scale = step > 0 ? round(step) : 1
      candidates.length = 0
      if (rule === 'search' && step > 0)
        search(group, candidates, keep, undefined, step, searchStep(grid), x, at, count, weights, round)
    },
    error(x, at, count, weights) {
      const { scale } = group
      const inverse = 1 / scale
      let sum = 0
      for (let i = 0; i < count; i++) {
        const value = x[at + i] as number
        const scaled = value * inverse
        let index = 0
        for (let step = firstStep; step > 0; step >>= 1)
          if (scaled > (middles[index + step - 1] as number)) index += step
        const error = value - scale * (values[index] as number)
        sum += weights ? (weights[i] as number) * error * error : error * error
      }
      return sum
    },
    code(value) {
      const scaled = value / group.scale
      let low = 0
      let high = values.length - 1
      while (low < high) {
        const middle = (low + high) >> 1
        const limit = ((values[middle] as number) + (values[middle + 1] as number)) / 2
        // Halves go to the even code, as floats are rounded.
        if (scaled > limit || (scaled === limit && (order[middle + 1] as number) % 2 === 0)) low = middle + 1
        else high = middle
      }
      const code = order[low] as number
      // Tables of floats have a −0, which keeps the sign as a cast does.
      return minusZero >= 0 && (scaled < 0 || Object.is(scaled, -0)) && grid.values[code] === 0 ? minusZero : code
    },
    value: (code) => Math.fround(group.scale * (grid.values[code] as number)),
  }
  return group
}
