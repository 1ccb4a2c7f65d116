import {
  dense,
  formatShape,
  lastAxis,
  rowsOf,
  type Op,
  type Tensor,
  TesseraError,
  toleranceOf,
  type Weight,
} from '@tessera-llm/tensor'
import { checkF32, f32Spec } from '../check/index.ts'
import { checkActivations, roundingOf, type RoundingOptions, roundInput } from './activations.ts'

/** Inputs of `linear`: x f32[…, K], weight [N, K] dense or packed, bias f32[N], residual f32[…, N]. */
export type LinearInputs = {
  readonly x: Tensor
  readonly weight: Weight
  readonly bias?: Tensor | undefined
  readonly residual?: Tensor | undefined
}
/** Outputs of `linear`: y f32[…, N]. */
export type LinearOutputs = { readonly y: Tensor }

/** Options of `linear`: the rounding of x before a product with a packed weight. */
export type LinearOptions = RoundingOptions

/**
 * `y = x · weightᵀ + bias + residual`: x f32[…, K], weight [N, K] dense or packed, bias f32[N], residual f32[…, N] → y
 * f32[…, N].
 */
export const linearOp: Op<LinearInputs, LinearOutputs, LinearOptions> = {
  id: 'linear',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, weight, bias, residual }, options) {
    const { shape } = f32Spec(x, 'linear', 'x')
    const [rows = 0, columns = 0] = weight.shape
    if (weight.shape.length !== 2 || shape.length === 0 || lastAxis(shape) !== columns) {
      throw new TesseraError(
        'invalid-shape',
        `linear: the last axis of x ${formatShape(shape)} must equal the second of weight ${formatShape(weight.shape)}`,
      )
    }
    const outShape = [...shape.slice(0, -1), rows]
    checkF32(bias, [rows], 'linear', 'bias')
    checkF32(residual, outShape, 'linear', 'residual')
    checkActivations(options, [weight], 'linear')
    return { y: dense('f32', outShape) }
  },
  // Partial sums of K products of magnitude 1 and random sign reach √K, and every addition rounds one.
  tolerance: ({
    inputs: {
      weight: { shape },
    },
  }) => toleranceOf({ dtype: 'f32', reduce: shape[1] ?? 1, scale: Math.sqrt(shape[1] ?? 1) }),
  cost({ inputs, outputs }) {
    const [rows = 0, columns = 0] = inputs.weight.shape
    const tokens = rowsOf(outputs.y.shape)
    return {
      flops: 2 * tokens * rows * columns,
      bytesRead: 4 * (rows * columns + tokens * columns),
      bytesWritten: 4 * tokens * rows,
    }
  },
  reference({ x, weight, bias, residual }, options, { inputs, outputs }) {
    const [rows = 0, columns = 0] = weight.shape
    const tokens = rowsOf(outputs.y.shape)
    const rounding = roundingOf(inputs.weight, options, columns)
    const input = rounding === undefined ? x.data : roundInput(x.data, columns, rounding)
    const y = new Float64Array(tokens * rows)
    for (let token = 0; token < tokens; token++) {
      for (let row = 0; row < rows; row++) {
        let sum = bias ? (bias.data[row] as number) : 0
        const weightAt = row * columns
        const inputAt = token * columns
        for (let k = 0; k < columns; k++) sum += (input[inputAt + k] as number) * (weight.data[weightAt + k] as number)
        y[token * rows + row] = sum + (residual ? (residual.data[token * rows + row] as number) : 0)
      }
    }
    return { y }
  },
}

/**
 * `y = x · weightᵀ + bias + residual`: x f32[…, K], weight [N, K] dense or packed, bias f32[N], residual f32[…, N] → y
 * f32[…, N]. `activations` (default `f32`) rounds x before a product with a packed weight; see {@link RoundingOptions}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`, `missing-kernel` if no kernel of the device
 * reads the weight's format
 */
export function linear(
  x: Tensor,
  weight: Weight,
  { bias, residual, ...options }: LinearOptions & Omit<LinearInputs, 'x' | 'weight'> = {},
): Tensor {
  return x.device.run(linearOp, { x, weight, bias, residual }, options).y
}
