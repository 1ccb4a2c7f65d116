import { TesseraError } from '@tessera-llm/tensor'
import { createPlainMultiply, type Multiply, rowMajor, solveFactored } from '../../linear-algebra/index.ts'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { checkWeight, secondMomentOf, type WeightMatrix } from '../matrix/index.ts'
import { type DampedFactor, factorDamped } from './factor.ts'
import { type ColumnOrder, orderColumns } from './order.ts'

/** Options common to every form of GPTQ. */
export interface SweepOptions {
  /**
   * The order in which columns are rounded. Default `groups`. `columns` gathers groups of columns that stand apart (and
   * yields `groupOfColumn`), unless scales are fixed before.
   */
  readonly order?: ColumnOrder | undefined
  /** Turns of coordinate descent over all codes after the sweep, which cost what the sweep does at most. Default 2. */
  readonly passes?: number | undefined
  /**
   * Added to the diagonal of the second moment, as a fraction of its mean. Default 0.01 + K / (2 · tokens): the fewer
   * tokens a second moment is made of, the less it says of other texts.
   */
  readonly damping?: number | undefined
  /**
   * Aim at the outputs of the uncompressed model instead of those for the inputs that the compressed one sees, by
   * `W + correction · W · mismatch · (H + λ)⁻¹` (a closed form of the objective of GPTAQ, arXiv 2504.02692). 1 in full;
   * default 0.
   */
  readonly correction?: number | undefined
  /**
   * The product that it computes with. Default `createPlainMultiply()`; `createWasmMultiply` of `/wasm` is several
   * times as fast.
   */
  readonly multiply?: Multiply | undefined
}

/** Input of a sweep over some rows, beside the rows. */
export interface Preparation extends DampedFactor {
  readonly order: Int32Array
  readonly passes: number
  readonly multiply: Multiply
  readonly notes: readonly string[]
  /** f64 [K, K] in processing order, times the correction; undefined without one. */
  readonly mismatch: Float64Array | undefined
  /**
   * Goes over the weight some rows at a time: weights f64 [rows, K] in processing order; adds up what `visit` returns.
   */
  sumSlices(visit: (weights: Float64Array, rows: number, firstRow: number) => number): number
}

/** Rows that are worked on at a time: what bounds the memory beside the factor. */
const sliceRows = 512

/**
 * Checks weight and statistics, orders the columns and factors their second moment. Undefined when that fails at any
 * damping.
 *
 * @param width columns that share their scales, for the order of groups
 */
export function prepareSweep(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  width: number,
  options: SweepOptions,
): Preparation | undefined {
  const { order: columnOrder = 'groups', passes = 2, correction = 0, multiply = createPlainMultiply() } = options
  checkWeight('gptq', weight)
  const secondMoment = secondMomentOf('gptq', weight, statistics)
  const damping = options.damping ?? defaultDamping(statistics)
  if (!(damping >= 0))
    throw new TesseraError(
      'invalid-option',
      `gptq: damping is a fraction of the mean diagonal ≥ 0, got ${damping}; 0.01 is usual`,
    )
  if (!(Number.isInteger(passes) && passes >= 0))
    throw new TesseraError('invalid-option', `gptq: passes is a number of turns ≥ 0, got ${passes}`)
  const [rows, columns] = weight.shape
  const order = orderColumns(secondMoment, columns, columnOrder, width)
  const mismatch = correction === 0 ? undefined : mismatchOf(statistics, order, correction)
  const factored = factorDamped(secondMoment, order, damping, multiply)
  return (
    factored && {
      ...factored,
      order,
      passes,
      multiply,
      mismatch,
      notes:
        factored.damping > damping
          ? [`gptq: the second moment of the inputs needed a damping of ${factored.damping} instead of ${damping}`]
          : [],
      sumSlices(visit) {
        let sum = 0
        for (let first = 0; first < rows; first += sliceRows) {
          const count = Math.min(sliceRows, rows - first)
          sum += visit(gather(weight, first, count, order), count, first)
        }
        return sum
      },
    }
  )
}

/** Default damping, as a fraction of the mean diagonal. */
export function defaultDamping({ columns, count }: Pick<LinearStatistics, 'columns' | 'count'>): number {
  return 0.01 + columns / (2 * Math.max(count, columns))
}

/** For a receipt, where rounding to nearest took over. */
export function hopelessNote([rows, columns]: WeightMatrix['shape']): string {
  return `gptq: the second moment of the inputs could not be factored at any damping; the weight ${rows} × ${columns} was rounded to nearest instead`
}

/** Rows of the weight in f64, columns in processing order. */
function gather(
  { values, shape: [, columns] }: WeightMatrix,
  first: number,
  count: number,
  order: Int32Array,
): Float64Array {
  const out = new Float64Array(count * columns)
  for (let row = 0; row < count; row++) {
    for (let position = 0; position < columns; position++)
      out[row * columns + position] = values[(first + row) * columns + (order[position] as number)] as number
  }
  return out
}

function mismatchOf({ columns, mismatch }: LinearStatistics, order: Int32Array, correction: number): Float64Array {
  if (mismatch?.length !== columns * columns)
    throw new TesseraError(
      'invalid-shape',
      `gptq: correction takes the mismatch of the inputs, f32 [${columns}, ${columns}], got ${mismatch ? `${mismatch.length} values` : 'none'}; calibrate with it, or leave correction 0`,
    )
  const permuted = new Float64Array(columns * columns)
  for (let row = 0; row < columns; row++) {
    for (let column = 0; column < columns; column++)
      permuted[row * columns + column] =
        correction * (mismatch[(order[row] as number) * columns + (order[column] as number)] as number)
  }
  return permuted
}

/** Moves weights f64 [rows, K] to the targets of the correction. */
export function correctTargets(
  weights: Float64Array,
  rows: number,
  {
    mismatch,
    factor,
    order: { length: columns },
    multiply,
  }: Pick<Preparation, 'mismatch' | 'factor' | 'order' | 'multiply'>,
): void {
  if (!mismatch) return
  const change = new Float64Array(rows * columns)
  multiply(
    rows,
    columns,
    columns,
    1,
    rowMajor(weights, columns),
    rowMajor(mismatch, columns),
    rowMajor(change, columns),
  )
  solveFactored(change, rows, factor, columns, multiply)
  for (let i = 0; i < change.length; i++) weights[i] = (weights[i] as number) + (change[i] as number)
}
