import { createRandom, TesseraError } from '@tessera-llm/tensor'
import { createPlainMultiply, factorUpper, type Multiply, rowMajor } from '../../linear-algebra/index.ts'
import {
  dequantizeMatrix,
  type Grid,
  type LinearStatistics,
  type QuantizedMatrix,
} from '../../quantized-matrix/index.ts'
import {
  checkGrid,
  checkWeight,
  importanceOf,
  scaleStatistics,
  secondMomentOf,
  type WeightMatrix,
} from '../matrix/index.ts'
import { rtn } from '../rtn/index.ts'
import { transformWeight } from '../rotation/index.ts'
import type { ScaleRule } from '../scale/index.ts'

/** Options of `awqScales`. */
export interface AwqOptions {
  /** Exponents that are tried: 0, 1 / steps … (steps − 1) / steps. Default 20. */
  readonly steps?: number | undefined
  /**
   * Random combinations of the inputs on which errors are measured, instead of on the whole second moment: 128 of them
   * tell exponents apart as well, in a tenth of the time. 0 measures exactly. Default 128, exact for up to 256 inputs.
   */
  readonly probes?: number | undefined
  /**
   * How the scales of groups are found while exponents are compared. `range` is AWQ's own; the exponent that is best
   * for it is not the best one for weights that are clipped by `search`, which is many times as slow. Default `range`.
   */
  readonly searchScale?: ScaleRule | undefined
  /** Rows of each weight, spread evenly, on which errors are measured while exponents are compared. Default all. */
  readonly sampleRows?: number | undefined
  /**
   * Choice of group scales once the exponent is known: `search` clips by the importance of the inputs. Default
   * `search`.
   */
  readonly scale?: ScaleRule | undefined
  /** Default `createPlainMultiply()`. */
  readonly multiply?: Multiply | undefined
}

/** Result of `awqScales`. */
export interface AwqScales {
  /** f32[K]: what the inputs are divided by (in the layer before) and the columns of the weights multiplied. */
  readonly scales: Float32Array
  /** Mean squared error of an output for each exponent. */
  readonly losses: readonly number[]
}

/**
 * Activation-aware scales (AWQ, arXiv 2306.00978): `mean|x|^r`, with the exponent r whose rounded weights change the
 * outputs least; errors are measured by tr(ΔW·H·ΔWᵀ) instead of on samples. Columns of large inputs become finer at the
 * cost of the others.
 *
 * @param weights all layers that read this input
 * @throws TesseraError `invalid-shape`, `invalid-value` where weights or statistics do not fit; the statistics take
 *   `secondMoment` and, for mean|x|, `absSum` (without it the root of the mean square stands in)
 */
export function awqScales(
  weights: readonly WeightMatrix[],
  statistics: LinearStatistics,
  grid: Grid,
  { steps = 20, probes, searchScale = 'range', sampleRows, multiply = createPlainMultiply() }: AwqOptions = {},
): AwqScales {
  const [first] = weights
  if (!first) throw new TesseraError('invalid-option', 'awq: takes the weights that read this input, got none')
  if (!(Number.isInteger(steps) && steps > 0))
    throw new TesseraError('invalid-option', `awq: steps is a number of exponents > 0, got ${steps}`)
  checkGrid('awq', grid)
  for (const weight of weights) checkWeight('awq', weight)
  const { columns } = statistics
  const probe = createProbe(
    secondMomentOf('awq', first, statistics),
    columns,
    probes ?? (columns > 256 ? 128 : 0),
    multiply,
  )
  for (const weight of weights) secondMomentOf('awq', weight, statistics)
  const magnitude = magnitudes(statistics)
  const sampled = sampleRows === undefined ? weights : weights.map((weight) => sample(weight, sampleRows))
  const outputs = sampled.reduce((sum, { shape }) => sum + shape[0], 0)
  let best: Float32Array | undefined
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    const scales = normalised(magnitude, step / steps)
    const inverse = scales.map((scale) => 1 / scale)
    const importance = searchScale === 'search' ? importanceOf(scaleStatistics(statistics, scales)) : undefined
    let loss = 0
    for (const weight of sampled) {
      const values = dequantizeMatrix(
        rtn({ ...weight, values: byColumn(weight.values, scales) }, grid, { scale: searchScale, importance }),
      )
      const lost = byColumn(values, inverse)
      for (let i = 0; i < lost.length; i++) lost[i] = (lost[i] as number) - (weight.values[i] as number)
      loss += probe(lost, weight.shape[0])
    }
    losses.push(loss / outputs / Math.max(statistics.count, 1))
    if (losses.at(-1) === Math.min(...losses)) best = scales
  }
  return { scales: best as Float32Array, losses }
}

/** One weight by AWQ: its scales, and the rounded weight whose columns are multiplied by them. */
export function awq(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  grid: Grid,
  options: AwqOptions = {},
): AwqScales & { readonly matrix: QuantizedMatrix } {
  const found = awqScales([weight], statistics, grid, options)
  const scaled = transformWeight(weight, { inputScale: found.scales })
  return {
    ...found,
    matrix: rtn(scaled, grid, {
      scale: options.scale,
      importance: importanceOf(scaleStatistics(statistics, found.scales)),
    }),
  }
}

/** Rows of a weight, spread evenly. */
function sample({ values, shape: [rows, columns] }: WeightMatrix, count: number): WeightMatrix {
  if (!(Number.isInteger(count) && count > 0))
    throw new TesseraError('invalid-option', `awq: sampleRows is a number of rows > 0, got ${count}`)
  if (rows <= count) return { values, shape: [rows, columns] }
  const out = new Float32Array(count * columns)
  for (let i = 0; i < count; i++) {
    const row = Math.floor((i * rows) / count)
    out.set(values.subarray(row * columns, (row + 1) * columns), i * columns)
  }
  return { values: out, shape: [count, columns] }
}

/** Mean |x| of each input. */
function magnitudes({ columns, count, absSum, secondMoment }: LinearStatistics): Float64Array {
  return Float64Array.from({ length: columns }, (_, i) =>
    absSum
      ? (absSum[i] as number) / count
      : Math.sqrt(((secondMoment as Float32Array)[i * (columns + 1)] as number) / count),
  )
}

/** magnitude^exponent, scaled so that the largest and the smallest have the product 1. */
function normalised(magnitude: Float64Array, exponent: number): Float32Array {
  const raw = magnitude.map((value) => Math.max(value ** exponent, 1e-4))
  const middle = Math.sqrt(Math.max(...raw) * Math.min(...raw))
  return Float32Array.from(raw, (value) => value / middle)
}

function byColumn(values: Float32Array, factors: Float32Array): Float32Array {
  const columns = factors.length
  const out = new Float32Array(values.length)
  for (let at = 0; at < values.length; at += columns) {
    for (let column = 0; column < columns; column++)
      out[at + column] = (values[at + column] as number) * (factors[column] as number)
  }
  return out
}

/** Measures tr(D · H · Dᵀ) for D [rows, columns], exactly or as |D · R · G|² with H = R · Rᵀ and normal G. */
function createProbe(
  secondMoment: Float32Array,
  columns: number,
  probes: number,
  multiply: Multiply,
): (lost: Float32Array, rows: number) => number {
  if (probes === 0) {
    return (lost, rows) => {
      const product = new Float64Array(rows * columns)
      multiply(
        rows,
        columns,
        columns,
        1,
        rowMajor(lost, columns),
        rowMajor(secondMoment, columns),
        rowMajor(product, columns),
      )
      return product.reduce((sum, value, i) => sum + value * (lost[i] as number), 0)
    }
  }
  const factor = Float64Array.from(secondMoment)
  let mean = 0
  for (let i = 0; i < columns; i++) mean += (factor[i * (columns + 1)] as number) / columns
  // Enough to factor a second moment of fewer tokens than inputs, too little to change which exponent is best.
  for (let i = 0; i < columns; i++) factor[i * (columns + 1)] = (factor[i * (columns + 1)] as number) + 1e-4 * mean
  factorUpper(factor, columns, multiply)
  const random = createRandom(0)
  const directions = Float64Array.from({ length: columns * probes }, () => random.normal() / Math.sqrt(probes))
  const sketch = new Float64Array(columns * probes)
  multiply(
    columns,
    probes,
    columns,
    1,
    rowMajor(factor, columns),
    rowMajor(directions, probes),
    rowMajor(sketch, probes),
  )
  return (lost, rows) => {
    const product = new Float64Array(rows * probes)
    multiply(rows, probes, columns, 1, rowMajor(lost, columns), rowMajor(sketch, probes), rowMajor(product, probes))
    return product.reduce((sum, value) => sum + value * value, 0)
  }
}
