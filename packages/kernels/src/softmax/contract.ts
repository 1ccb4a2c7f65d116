import {
  dense,
  lastAxis,
  sizeOf,
  type Op,
  type Tensor,
  TesseraError,
  toleranceOf,
  type TensorSpec,
  type WeightSpec,
} from '@tessera-llm/tensor'
import { f32Spec } from '../check/index.ts'
import { logSumExp, lowest } from './log-sum-exp.ts'

/** Inputs of `softmax` and `logSoftmax`: x f32[…, V]. */
export type SoftmaxInputs = { readonly x: Tensor }

/** Outputs of `softmax` (probabilities) and `logSoftmax` (their natural logarithms): y f32[…, V]. */
export type SoftmaxOutputs = { readonly y: Tensor }
type None = Record<string, never>

/**
 * `y = exp(x) / Σ exp(x)` over the last axis: x, y f32[…, V]. −∞ is treated as the lowest finite value: its probability
 * is 0, and a row of −∞ only gives equal probabilities.
 */
export const softmaxOp: Op<SoftmaxInputs, SoftmaxOutputs, None> = {
  id: 'softmax',
  version: 1,
  package: '@tessera-llm/kernels',
  validate: ({ x }) => ({ y: rowsSpec(x, 'softmax') }),
  // Probabilities average 1/V, and so do their absolute errors.
  tolerance: ({ outputs }) =>
    toleranceOf({ dtype: 'f32', reduce: lastAxis(outputs.y.shape), stages: 4, scale: 1 / lastAxis(outputs.y.shape) }),
  cost: ({ outputs }) => costOf(outputs.y),
  reference: ({ x }) => ({ y: overRows(x.data, lastAxis(x.shape), Math.exp) }),
}

/**
 * `y = x − log Σ exp(x)` over the last axis, natural logarithm: x, y f32[…, V]. −∞ is treated as the lowest finite
 * value.
 */
export const logSoftmaxOp: Op<SoftmaxInputs, SoftmaxOutputs, None> = {
  id: 'log-softmax',
  version: 1,
  package: '@tessera-llm/kernels',
  validate: ({ x }) => ({ y: rowsSpec(x, 'log-softmax') }),
  tolerance: ({ outputs }) => toleranceOf({ dtype: 'f32', reduce: lastAxis(outputs.y.shape), stages: 2 }),
  cost: ({ outputs }) => costOf(outputs.y),
  reference: ({ x }) => ({ y: overRows(x.data, lastAxis(x.shape), (logarithm) => logarithm) }),
}

/**
 * `y = exp(x) / Σ exp(x)` over the last axis: x, y f32[…, V]. −∞ gives probability 0; see {@link softmaxOp}.
 *
 * @throws TesseraError `invalid-shape` (empty last axis), `invalid-dtype`
 */
export function softmax(x: Tensor): Tensor {
  return x.device.run(softmaxOp, { x }, {}).y
}

/**
 * `y = x − log Σ exp(x)` over the last axis, natural logarithm: x, y f32[…, V]. −∞ is treated as the lowest finite
 * value.
 *
 * @throws TesseraError `invalid-shape` (empty last axis), `invalid-dtype`
 */
export function logSoftmax(x: Tensor): Tensor {
  return x.device.run(logSoftmaxOp, { x }, {}).y
}

function rowsSpec(x: WeightSpec, op: string): TensorSpec {
  const { shape } = f32Spec(x, op, 'x')
  if (shape.length === 0 || lastAxis(shape) === 0)
    throw new TesseraError('invalid-shape', `${op}: x must have a last axis with at least one value`)
  return dense('f32', shape)
}

function costOf(y: TensorSpec): { readonly flops: number; readonly bytesRead: number; readonly bytesWritten: number } {
  const size = sizeOf(y.shape)
  return { flops: 5 * size, bytesRead: 4 * size, bytesWritten: 4 * size }
}

function overRows(x: Float64Array, width: number, f: (logarithm: number) => number): Float64Array {
  const y = new Float64Array(x.length)
  for (let start = 0; start < x.length; start += width) {
    const { largest, logSum } = logSumExp(x.subarray(start, start + width))
    for (let i = start; i < start + width; i++) y[i] = f(Math.max(x[i] as number, lowest) - largest - logSum)
  }
  return y
}
