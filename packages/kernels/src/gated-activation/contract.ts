import { dense, sizeOf, type Op, type Tensor, toleranceOf } from '@tessera-llm/tensor'
import { type ActivationKind, activationFunctions, activationKinds } from '../activation/functions.ts'
import { checkChoice, checkF32, f32Spec } from '../check/index.ts'

/** Inputs of `gatedActivation`: gate and up f32 of one shape. */
export type GatedActivationInputs = { readonly gate: Tensor; readonly up: Tensor }

/** Outputs of `gatedActivation`: y f32, in the shape of gate. */
export type GatedActivationOutputs = { readonly y: Tensor }

/** Options of `gatedActivation`: the function that is applied to gate. */
export type GatedActivationOptions = { readonly kind: ActivationKind }

/**
 * `y = activation(gate) · up`, elementwise: SwiGLU with silu, GEGLU with gelu (Shazeer 2020, arXiv 2002.05202). All f32
 * of one shape.
 */
export const gatedActivationOp: Op<GatedActivationInputs, GatedActivationOutputs, GatedActivationOptions> = {
  id: 'gated-activation',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ gate, up }, { kind }) {
    const { shape } = f32Spec(gate, 'gated-activation', 'gate')
    checkF32(up, shape, 'gated-activation', 'up')
    checkChoice(kind, activationKinds, 'gated-activation', 'kind')
    return { y: dense('f32', shape) }
  },
  tolerance: () => toleranceOf({ dtype: 'f32', stages: 4 }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: 10 * size, bytesRead: 8 * size, bytesWritten: 4 * size }
  },
  reference({ gate, up }, { kind }) {
    const f = activationFunctions[kind]
    return { y: gate.data.map((value, index) => f(value) * (up.data[index] as number)) }
  },
}

/**
 * `y = f(gate) · up` elementwise, f by `options.kind` (SwiGLU with `silu`): gate, up, y f32 of one shape.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function gatedActivation(gate: Tensor, up: Tensor, options: GatedActivationOptions): Tensor {
  return gate.device.run(gatedActivationOp, { gate, up }, options).y
}
