import {
  formatShape,
  type HostTensor,
  lastAxis,
  type Problem,
  rowsOf,
  type Shape,
  type Tensor,
  TesseraError,
  toleranceOf,
  type Tolerance,
  type Weight,
  type WeightSpec,
} from '@tessera-llm/tensor'
import { checkF32, f32Spec } from '../check/index.ts'
import { checkActivations } from '../linear/activations.ts'
import { type LinearOptions, linearOp } from '../linear/contract.ts'
import { normalise } from '../rms-norm/contract.ts'

/**
 * Inputs that the linear layers of a fused op share: x f32[…, K], and the weight f32[K] of the RMSNorm before them, if
 * any.
 */
export type FusedInputs = { readonly x: Tensor; readonly norm?: Tensor | undefined }

export type FusedOptions = LinearOptions & {
  /** `eps` of the RMSNorm; required if `norm` is given. */
  readonly eps?: number | undefined
  /** Multiplies by 1 + norm (Gemma) instead of norm. Default false. */
  readonly unitOffset?: boolean | undefined
}

/** Returns the shape of x after checking it, the norm and the options. */
export function checkFused(
  op: string,
  x: WeightSpec,
  weights: readonly WeightSpec[],
  norm: WeightSpec | undefined,
  { eps, ...rounding }: FusedOptions,
): Shape {
  const { shape } = f32Spec(x, op, 'x')
  if (shape.length === 0)
    throw new TesseraError('invalid-shape', `${op}: x must have a last axis, not ${formatShape(shape)}`)
  checkF32(norm, [lastAxis(shape)], op, 'norm')
  if (norm && !(eps !== undefined && eps >= 0))
    throw new TesseraError('invalid-option', `${op}: a norm needs an eps that is 0 or positive, not ${eps}`)
  checkActivations(rounding, weights, op)
  return shape
}

/** Returns the rows N of a weight [N, K], checked against x. */
export function checkFusedWeight(op: string, name: string, { shape }: WeightSpec, x: Shape): number {
  if (shape.length !== 2 || shape[1] !== lastAxis(x))
    throw new TesseraError(
      'invalid-shape',
      `${op}: the last axis of x ${formatShape(x)} must equal the second of ${name} ${formatShape(shape)}`,
    )
  return shape[0] ?? 0
}

/** Returns RMSNorm of x, or x if there is no norm. */
export function normedInput(
  x: HostTensor,
  norm: HostTensor | undefined,
  { eps = 0, unitOffset }: FusedOptions,
): HostTensor {
  return norm
    ? { ...x, data: normalise(x.data, lastAxis(x.shape), rowsOf(x.shape), norm.data, { eps, unitOffset }) }
    : x
}

/** Reference of one of the linear layers. */
export function linearReference(
  x: HostTensor,
  weight: HostTensor,
  spec: WeightSpec,
  bias: HostTensor | undefined,
  { activations, inputScale }: LinearOptions,
): Float64Array {
  const inputs = { x: { kind: 'dense', dtype: 'f32', shape: x.shape }, weight: spec } as const
  const options = { activations, inputScale }
  const problem = { op: linearOp.id, inputs, outputs: linearOp.validate(inputs, options), options }
  return linearOp.reference({ x, weight, bias, residual: undefined }, options, problem).y
}

/** Tolerance of one linear layer after a norm. */
export function fusedTolerance({
  inputs,
}: Problem<{ readonly x: Tensor } & { readonly [name: string]: Weight | undefined }>): Tolerance {
  const columns = lastAxis(inputs.x.shape)
  return toleranceOf({ dtype: 'f32', reduce: columns, stages: 2, scale: Math.sqrt(columns) })
}
