import { dense, type Op, rowsOf, type Tensor, type Weight } from '@tessera-llm/tensor'
import { checkF32 } from '../check/index.ts'
import {
  checkFused,
  checkFusedWeight,
  type FusedInputs,
  type FusedOptions,
  fusedTolerance,
  linearReference,
  normedInput,
} from '../fused-input/index.ts'

/**
 * Inputs of `qkvLinear`: x f32[…, K], norm f32[K], weights [N, K] dense or packed, each with its own N, and biases
 * f32[N].
 */
export type QkvLinearInputs = FusedInputs & {
  readonly query: Weight
  readonly key: Weight
  readonly value: Weight
  readonly queryBias?: Tensor | undefined
  readonly keyBias?: Tensor | undefined
  readonly valueBias?: Tensor | undefined
}
/** Outputs of `qkvLinear`: q, k and v f32[…, N], each with the N of its weight. */
export type QkvLinearOutputs = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor }

/** Options of `qkvLinear`: the norm, and the rounding of the projections' input. */
export type QkvLinearOptions = FusedOptions

/**
 * The three projections of an attention block with the RMSNorm before them: `n = rmsNorm(x, norm)`, or x without a
 * norm; `q = n · queryᵀ + queryBias`, likewise k and v. x f32[…, K], weights [N, K] dense or packed, each with its own
 * N → q, k, v f32[…, N]. With `activations` other than `f32`, n is rounded as in `linear`; a value that the norm leaves
 * close to the midpoint between two codes may become either.
 */
export const qkvLinearOp: Op<QkvLinearInputs, QkvLinearOutputs, QkvLinearOptions> = {
  id: 'qkv-linear',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, norm, query, key, value, queryBias, keyBias, valueBias }, options) {
    const shape = checkFused('qkv-linear', x, [query, key, value], norm, options)
    const outputOf = (name: string, weight: typeof query, bias: typeof x | undefined): ReturnType<typeof dense> => {
      const rows = checkFusedWeight('qkv-linear', name, weight, shape)
      checkF32(bias, [rows], 'qkv-linear', `${name}Bias`)
      return dense('f32', [...shape.slice(0, -1), rows])
    }
    return {
      q: outputOf('query', query, queryBias),
      k: outputOf('key', key, keyBias),
      v: outputOf('value', value, valueBias),
    }
  },
  tolerance: fusedTolerance,
  cost({ inputs: { x, query, key, value } }) {
    const tokens = rowsOf(x.shape)
    const [rows, columns] = [
      [query, key, value].reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0),
      query.shape[1] ?? 0,
    ]
    return {
      flops: 2 * tokens * rows * columns,
      bytesRead: 4 * (rows * columns + tokens * columns),
      bytesWritten: 4 * tokens * rows,
    }
  },
  reference({ x, norm, query, key, value, queryBias, keyBias, valueBias }, options, { inputs }) {
    const normed = normedInput(x, norm, options)
    return {
      q: linearReference(normed, query, inputs.query, queryBias, options),
      k: linearReference(normed, key, inputs.key, keyBias, options),
      v: linearReference(normed, value, inputs.value, valueBias, options),
    }
  },
}

/**
 * `q = n · queryᵀ + queryBias`, likewise k and v, with `n = rmsNorm(x, norm)`, or x without a norm: x f32[…, K],
 * weights [N, K] dense or packed → q, k, v f32[…, N]. Not every device has a kernel for it; see {@link qkvLinearOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`, `missing-kernel`
 */
export function qkvLinear(inputs: QkvLinearInputs, options: QkvLinearOptions = {}): QkvLinearOutputs {
  return inputs.x.device.run(qkvLinearOp, inputs, options)
}
