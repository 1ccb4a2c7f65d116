import { dense, denseSpec, formatShape, type Op, sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { createPlainMultiply } from '../../linear-algebra/index.ts'
import type { Grid, IntegerGrid } from '../../quantized-matrix/index.ts'
import type { ScaleRule } from '../scale/index.ts'
import { createGridStore, gridTarget } from './grid-target.ts'
import { correctTargets } from './prepare.ts'
import { refine } from './refine.ts'
import { sweep } from './sweep.ts'

/**
 * Inputs of `gptq-sweep` for a weight [N, K]: weights f32[N, K] in stored order, order i32[K]; in that order and padded
 * to S, K rounded up to a multiple of 4: factor R and hessian H + λ f32[S, S], mismatch f32[S, S]; triangles f32[G,
 * width, width], the transposed inverses of R's diagonal blocks; table, the ascending values of a codebook.
 */
export type SweepRowsInputs = {
  readonly weights: Tensor
  readonly order: Tensor
  readonly factor: Tensor
  readonly hessian: Tensor
  readonly mismatch?: Tensor | undefined
  readonly triangles: Tensor
  readonly table?: Tensor | undefined
}
/**
 * Outputs of `gptq-sweep`: codes u8[N, K] in stored order, scales and zeros f32[N, G] in the order of rounding, loss
 * f32[N].
 */
export type SweepRowsOutputs = {
  readonly codes: Tensor
  readonly scales: Tensor
  readonly zeros: Tensor
  readonly loss: Tensor
}
/** Options of `gptq-sweep`: the grid, the choice of its scales, and the number of refinement passes. */
export type SweepRowsOptions = {
  /** Columns that share a scale; a last group is shorter where they do not divide K. */
  readonly width: number
  /** Turns of coordinate descent after the sweep, at most. */
  readonly passes: number
  readonly rule: ScaleRule
  readonly scaleType: 'f32' | 'f16' | 'bf16'
  readonly isSymmetric: boolean
  /** Bits of integer codes; absent if `table` has the values. */
  readonly bits?: IntegerGrid['bits'] | undefined
}

/**
 * GPTQ over rows of a weight, groups following the order of rounding: weights f32 [N, K] as they are stored and the
 * order i32 [K]; in that order R and H + λ f32 [S, S] with R · Rᵀ = H + λ, S being K in whole fours and R having ones
 * on the diagonal there, the mismatch f32 [S, S] that targets are corrected by, and the inverses of R's diagonal
 * blocks, transposed, f32 [G, width, width]; and the rising values of a table. Gives codes u8 [N, K] as stored, those
 * of a table being indices of its values, scales and zeros f32 [N, G] in the order of rounding, loss f32 [N].
 */
export const sweepRowsOp: Op<SweepRowsInputs, SweepRowsOutputs, SweepRowsOptions> = {
  id: 'gptq-sweep',
  version: 1,
  package: '@tessera-llm/quantization',
  validate({ weights, order, factor, hessian, mismatch, triangles, table }, { width, bits }) {
    const { dtype, shape } = denseSpec(weights, 'gptq-sweep', 'weights')
    const [rows = 0, columns = 0] = shape
    if (dtype !== 'f32' || shape.length !== 2)
      throw new TesseraError(
        'invalid-shape',
        `gptq-sweep: weights must be f32 [N, K], not ${dtype} ${formatShape(shape)}`,
      )
    if ((bits === undefined) !== (table !== undefined))
      throw new TesseraError('invalid-option', 'gptq-sweep: give the bits of integers or the table of other values')
    const groups = Math.ceil(columns / width)
    const square = (4 * Math.ceil(columns / 4)) ** 2
    for (const [name, given, size] of [
      ['order', order, columns],
      ['factor', factor, square],
      ['hessian', hessian, square],
      ['mismatch', mismatch, square],
      ['triangles', triangles, groups * width ** 2],
    ] as const) {
      if (given !== undefined && sizeOf(denseSpec(given, 'gptq-sweep', name).shape) !== size)
        throw new TesseraError(
          'invalid-shape',
          `gptq-sweep: ${name} has ${size} values for ${columns} columns in groups of ${width}, got ${formatShape(given.shape)}`,
        )
    }
    return {
      codes: dense('u8', shape),
      scales: dense('f32', [rows, groups]),
      zeros: dense('f32', [rows, groups]),
      loss: dense('f32', [rows]),
    }
  },
  // In f32 weights near a tie fall to the other side, and all that follows makes up for it: single codes may differ by
  // any amount, few of them do.
  tolerance: () => ({ atol: Number.POSITIVE_INFINITY, rtol: 0, nmse: 1e-3 }),
  cost({ inputs: { weights, factor }, outputs: { scales }, options: { width, passes, rule } }) {
    const [rows = 0, columns = 0] = weights.shape
    // Sweep and gradient are halves of products with a square; descent changes some codes in ten. Then 96 scales are
    // tried and eight gone through with.
    const fit = rule === 'search' ? 1000 + 8 * width : 10 + width
    return {
      flops: rows * columns * (2 * columns + 0.2 * passes * columns + fit),
      bytesRead: 4 * sizeOf(weights.shape) + 8 * sizeOf(factor.shape),
      bytesWritten: sizeOf(weights.shape) + 8 * sizeOf(scales.shape),
    }
  },
  reference({ weights, order, factor, hessian, mismatch, table }, options) {
    const { width, passes, rule, scaleType, isSymmetric, bits } = options
    const [rows = 0, columns = 0] = weights.shape
    const stride = Math.sqrt(factor.data.length)
    const inner = ({ data }: { readonly data: Float64Array }): Float64Array =>
      Float64Array.from(
        { length: columns ** 2 },
        (_, i) => data[Math.floor(i / columns) * stride + (i % columns)] as number,
      )
    const grid: Grid =
      bits === undefined
        ? { kind: 'codebook', id: 'table', values: Float32Array.from(table?.data ?? []), group: width, scaleType }
        : { kind: 'integer', bits, group: width, isSymmetric, scaleType }
    const by = Int32Array.from(order.data)
    const multiply = createPlainMultiply()
    const prepared = {
      factor: inner(factor),
      hessian: inner(hessian),
      mismatch: mismatch && inner(mismatch),
      order: by,
      multiply,
    }
    const store = createGridStore(grid, rows, columns, rule, by)
    const loss = Float64Array.from({ length: rows }, (_, row) => {
      const target = gridTarget(store, row, 1, by, false)
      const line = Float64Array.from(by, (column) => weights.data[row * columns + column] as number)
      correctTargets(line, 1, prepared)
      const swept = sweep(line, 1, prepared.factor, columns, target, width, multiply)
      return passes > 0 ? refine(line, 1, prepared.hessian, columns, target, passes, multiply) : swept
    })
    const { codes, scales, zeros } = store
    return {
      codes: Float64Array.from(codes),
      scales: Float64Array.from(scales),
      zeros: zeros ? Float64Array.from(zeros) : new Float64Array(scales.length).fill(bits ? 2 ** (bits - 1) : 0),
      loss,
    }
  },
}
