import { TesseraError } from '@tessera-llm/tensor'
import { type Grid, groupColumns, type LinearStatistics, type QuantizedMatrix } from '../../quantized-matrix/index.ts'
import { checkGrid, type WeightMatrix } from '../matrix/index.ts'
import { rtn } from '../rtn/index.ts'
import type { ScaleRule } from '../scale/index.ts'
import { costsOf } from './feedback-costs.ts'
import { createGridStore, fitStatic, gridTarget, type GridStore } from './grid-target.ts'
import type { GptqKernel, GptqPlan } from './kernel.ts'
import { correctTargets, hopelessNote, type Preparation, prepareSweep, type SweepOptions } from './prepare.ts'
import { refine } from './refine.ts'
import { sweep } from './sweep.ts'

/** Options of `gptq`. */
export interface GptqOptions extends SweepOptions {
  /**
   * Choose all scales from the weights as they are, for groups of columns that stand together, before the first is
   * rounded. Default false.
   */
  readonly staticGroups?: boolean | undefined
  /**
   * How scales are found. Default `search`: the eight of least error, weighed by what it costs after later columns made
   * up for it, are gone through with, and the one that loses least is taken.
   */
  readonly scale?: ScaleRule | undefined
  /**
   * Columns after which errors reach all others at once, rounded to whole groups; within it scales see no errors.
   * Default: one group, or 128.
   */
  readonly block?: number | undefined
  /**
   * The sweep in WebAssembly, of `createWasmGptqKernel` in `/wasm`; in f64 and TypeScript where absent, or where it
   * does not take the grid.
   */
  readonly kernel?: GptqKernel | undefined
}

/** Result of `gptq`. */
export interface GptqResult {
  readonly matrix: QuantizedMatrix
  /**
   * Squared error of the outputs, summed over outputs and averaged over tokens of the calibration; the damping counts
   * as input.
   */
  readonly loss: number
  /**
   * Damping that was used: more than was asked for where the second moment could not be factored, undefined where
   * rounding to nearest took over.
   */
  readonly damping: number | undefined
  /** Deviations from the request, as sentences for a receipt. */
  readonly notes: readonly string[]
}

/**
 * Rounds a weight column by column, and after each moves those that are left so that the outputs on the calibration
 * text change least (GPTQ, arXiv 2210.17323), in f64; then goes over all codes again.
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` where weight or statistics do not fit or are not finite,
 *   `invalid-option`
 */
export function gptq(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  grid: Grid,
  options: GptqOptions = {},
): GptqResult {
  const begun = beginGptq(weight, statistics, grid, options)
  return begun ? finishGptq(weight, statistics, options, begun) : nearestInstead(weight, grid, options)
}

/** Finds the codes of a weight that was begun, on the calling thread. */
export function finishGptq(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  options: GptqOptions,
  begun: BegunGptq,
): GptqResult {
  const { prepared, store, isStatic, plan } = begun
  const { grid } = store
  const { factor, hessian, order, passes, multiply } = prepared
  const [, columns] = weight.shape
  if (plan && options.kernel?.supports(grid, columns))
    return endGptq(weight, statistics, begun, options.kernel.round(plan, weight, store))
  const block = blockColumns(options.block, isStatic ? 1 : groupColumns(grid, columns), columns)
  const loss = prepared.sumSlices((weights, count, first) => {
    correctTargets(weights, count, prepared)
    const target = gridTarget(store, first, count, order, isStatic)
    const swept = sweep(weights, count, factor, columns, target, block, multiply)
    return passes > 0 ? refine(weights, count, hessian, columns, target, passes, multiply) : swept
  })
  return endGptq(weight, statistics, begun, loss)
}

/** A weight whose columns are ordered and factored, and whose codes are still to be found. */
export interface BegunGptq {
  readonly prepared: Preparation
  readonly store: GridStore
  readonly isStatic: boolean
  readonly isGathered: boolean
  /** For the sweep in WebAssembly; undefined where the options ask for what it does not do. */
  readonly plan: GptqPlan | undefined
}

/** Undefined where the second moment cannot be factored at any damping. */
export function beginGptq(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  grid: Grid,
  options: GptqOptions,
): BegunGptq | undefined {
  const { staticGroups = false, scale: rule = 'search', block } = options
  checkGrid('gptq', grid)
  const [rows, columns] = weight.shape
  const width = groupColumns(grid, columns)
  const isStatic = staticGroups || typeof grid.group !== 'number'
  blockColumns(block, isStatic ? 1 : width, columns)
  const prepared = prepareSweep(weight, statistics, width, options)
  if (!prepared) return undefined
  const { factor, hessian, mismatch, order, passes } = prepared
  const isGathered = options.order === 'columns' && !isStatic
  const store = createGridStore(grid, rows, columns, rule, isGathered ? order : undefined)
  if (isStatic) fitStatic(store, weight.values, costsOf(factor, order))
  const plan = isStatic || block !== undefined ? undefined : { columns, factor, hessian, mismatch, order, rule, passes }
  return { prepared, store, isStatic, isGathered, plan }
}

/** @param loss summed over tokens */
export function endGptq(
  { shape }: WeightMatrix,
  { count }: LinearStatistics,
  { prepared: { damping, notes }, store, isGathered }: BegunGptq,
  loss: number,
): GptqResult {
  const { grid, codes, scales, zeros, groupOfColumn } = store
  return {
    matrix: { shape, grid, codes, scales, zeros, groupOfColumn: isGathered ? groupOfColumn : undefined },
    loss: loss / Math.max(count, 1),
    damping,
    notes,
  }
}

/** Result for a weight whose second moment cannot be factored: rounds to nearest. */
export function nearestInstead(
  weight: WeightMatrix,
  grid: Grid,
  { scale = 'search' }: Pick<GptqOptions, 'scale'>,
): GptqResult {
  return {
    matrix: rtn(weight, grid, { scale }),
    loss: Number.NaN,
    damping: undefined,
    notes: [hopelessNote(weight.shape)],
  }
}

/** Whole groups, near `block`. */
function blockColumns(block: number | undefined, width: number, columns: number): number {
  if (block !== undefined && !(Number.isInteger(block) && block > 0))
    throw new TesseraError('invalid-option', `gptq: block is a number of columns, got ${block}`)
  const wished = block ?? (width > 1 ? width : 128)
  return Math.min(Math.max(width, Math.floor(wished / width) * width), columns)
}
