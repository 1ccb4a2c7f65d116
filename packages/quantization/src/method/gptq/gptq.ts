import { TesseraError } from '@tessera-llm/tensor'
import { createPlainMultiply, type Multiply, rowMajor, solveFactored } from '../../linear-algebra/index.ts'
import { type Grid, groupColumns, type LinearStatistics, type QuantizedMatrix } from '../../quantized-matrix/index.ts'
import { checkWeight, secondMomentOf, type WeightMatrix } from '../matrix/index.ts'
import { rtn } from '../rtn/index.ts'
import type { ScaleRule } from '../scale/index.ts'
import { factorDamped } from './factor.ts'
import { createGridStore, fitStatic, gridTarget } from './grid-target.ts'
import { type ColumnOrder, orderColumns } from './order.ts'
import { sweep } from './sweep.ts'

export interface GptqOptions {
  /** The order in which columns are rounded. Default `stored`. `columns` with groups yields `groupOfColumn` unless groups are static. */
  readonly order?: ColumnOrder | undefined
  /** Choose all scales from the weights as they are, for groups of columns that stand together, before the first is rounded. Default false. */
  readonly staticGroups?: boolean | undefined
  /** How scales are found. Default `search`, weighed by what an error costs after later columns made up for it. */
  readonly scale?: ScaleRule | undefined
  /** Added to the diagonal of the second moment, as a fraction of its mean. Default 0.01. */
  readonly damping?: number | undefined
  /**
   * Aim at the outputs of the uncompressed model instead of those for the inputs that the compressed one sees, by
   * `W + correction · W · mismatch · (H + λ)⁻¹` (a closed form of the objective of GPTAQ, arXiv 2504.02692). 1 in full; default 0.
   */
  readonly correction?: number | undefined
  /** Columns after which errors reach all others at once, rounded to whole groups; within it scales see no errors. Default: one group, or 128. */
  readonly block?: number | undefined
  /** The product that it computes with. Default `createPlainMultiply()`; `createWasmMultiply` of `/wasm` is several times as fast. */
  readonly multiply?: Multiply | undefined
}

export interface GptqResult {
  readonly matrix: QuantizedMatrix
  /** Squared error of the outputs, summed over outputs and averaged over tokens of the calibration; the damping counts as input. */
  readonly loss: number
  /** Damping that was used: more than was asked for where the second moment could not be factored, undefined where rounding to nearest took over. */
  readonly damping: number | undefined
  /** What went otherwise than asked, as sentences for a receipt. */
  readonly notes: readonly string[]
}

/** Rows that are worked on at a time: what bounds the memory beside the factor. */
const sliceRows = 512

/**
 * Rounds a weight column by column, and after each moves those that are left so that the outputs on the calibration text change least
 * (GPTQ, arXiv 2210.17323), in f64.
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` where weight or statistics do not fit or are not finite, `invalid-option`
 */
export function gptq(weight: WeightMatrix, statistics: LinearStatistics, grid: Grid, options: GptqOptions = {}): GptqResult {
  const { order: columnOrder = 'stored', staticGroups = false, scale = 'search', damping = 0.01, correction = 0, multiply = createPlainMultiply() } = options
  checkWeight('gptq', weight)
  const secondMoment = secondMomentOf('gptq', weight, statistics)
  if (!(damping >= 0)) throw new TesseraError('invalid-option', `gptq: damping is a fraction of the mean diagonal ≥ 0, got ${damping}; 0.01 is usual`)
  const [rows, columns] = weight.shape
  const width = groupColumns(grid, columns)
  const isStatic = staticGroups || typeof grid.group !== 'number'
  const order = orderColumns(secondMoment, columns, columnOrder, width)
  const factored = factorDamped(secondMoment, order, damping, multiply)
  if (!factored) {
    const note = `gptq: the second moment of the inputs could not be factored at any damping; the weight ${rows} × ${columns} was rounded to nearest instead`
    return { matrix: rtn(weight, grid, { scale }), loss: Number.NaN, damping: undefined, notes: [note] }
  }
  const { factor } = factored
  const store = createGridStore(grid, rows, columns, scale, columnOrder === 'columns' && !isStatic ? order : undefined)
  const block = blockColumns(options.block, isStatic ? 1 : width, columns)
  if (isStatic) fitStatic(store, weight.values, costsOf(factor, order))
  const correct = correction === 0 ? undefined : correctionOf(statistics, order, correction)
  let loss = 0
  for (let first = 0; first < rows; first += sliceRows) {
    const count = Math.min(sliceRows, rows - first)
    const weights = gather(weight, first, count, order)
    correct?.(weights, count, factor, multiply)
    loss += sweep(weights, count, factor, columns, gridTarget(store, first, count, order, isStatic), block, multiply)
  }
  const { codes, scales, zeros, groupOfColumn } = store
  const matrix: QuantizedMatrix = { shape: weight.shape, grid, codes, scales, zeros, groupOfColumn: columnOrder === 'columns' && !isStatic ? groupOfColumn : undefined }
  const notes = factored.damping > damping ? [`gptq: the second moment of the inputs needed a damping of ${factored.damping} instead of ${damping}`] : []
  return { matrix, loss: loss / Math.max(statistics.count, 1), damping: factored.damping, notes }
}

/** Whole groups, near `block`. */
function blockColumns(block: number | undefined, width: number, columns: number): number {
  if (block !== undefined && !(Number.isInteger(block) && block > 0)) throw new TesseraError('invalid-option', `gptq: block is a number of columns, got ${block}`)
  const wished = block ?? (width > 1 ? width : 128)
  return Math.min(Math.max(width, Math.floor(wished / width) * width), columns)
}

/** By stored column, what a squared error costs after later columns made up for it: R[i, i]². */
function costsOf(factor: Float64Array, order: Int32Array): Float64Array {
  const costs = new Float64Array(order.length)
  for (let position = 0; position < order.length; position++) costs[order[position] as number] = (factor[position * (order.length + 1)] as number) ** 2
  return costs
}

/** Rows of the weight in f64, columns in processing order. */
function gather({ values, shape: [, columns] }: WeightMatrix, first: number, count: number, order: Int32Array): Float64Array {
  const out = new Float64Array(count * columns)
  for (let row = 0; row < count; row++) {
    for (let position = 0; position < columns; position++) out[row * columns + position] = values[(first + row) * columns + (order[position] as number)] as number
  }
  return out
}

function correctionOf({ columns, mismatch }: LinearStatistics, order: Int32Array, correction: number): (weights: Float64Array, rows: number, factor: Float64Array, multiply: Multiply) => void {
  if (mismatch?.length !== columns * columns) throw new TesseraError('invalid-shape', `gptq: correction takes the mismatch of the inputs, f32 [${columns}, ${columns}], got ${mismatch ? `${mismatch.length} values` : 'none'}; calibrate with it, or leave correction 0`)
  const permuted = new Float64Array(columns * columns)
  for (let row = 0; row < columns; row++) {
    for (let column = 0; column < columns; column++) permuted[row * columns + column] = mismatch[(order[row] as number) * columns + (order[column] as number)] as number
  }
  return (weights, rows, factor, multiply) => {
    const change = new Float64Array(rows * columns)
    multiply(rows, columns, columns, correction, rowMajor(weights, columns), rowMajor(permuted, columns), rowMajor(change, columns))
    solveFactored(change, rows, factor, columns, multiply)
    for (let i = 0; i < change.length; i++) weights[i] = (weights[i] as number) + (change[i] as number)
  }
}
