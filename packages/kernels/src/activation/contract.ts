import { dense, sizeOf, type Op, type Tensor, toleranceOf } from '@tessera-llm/tensor'
import { checkChoice, f32Spec } from '../check/index.ts'
import { type ActivationKind, activationFunctions, activationKinds } from './functions.ts'

/** Inputs of `activation`: x f32 of any shape. */
export type ActivationInputs = { readonly x: Tensor }

/** Outputs of `activation`: y f32, in the shape of x. */
export type ActivationOutputs = { readonly y: Tensor }

/** Options of `activation`: the function. */
export type ActivationOptions = { readonly kind: ActivationKind }

/** `y = activation(x)`, elementwise: x, y f32 of one shape. */
export const activationOp: Op<ActivationInputs, ActivationOutputs, ActivationOptions> = {
  id: 'activation',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x }, { kind }) {
    const { shape } = f32Spec(x, 'activation', 'x')
    checkChoice(kind, activationKinds, 'activation', 'kind')
    return { y: dense('f32', shape) }
  },
  tolerance: () => toleranceOf({ dtype: 'f32', stages: 4 }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: 9 * size, bytesRead: 4 * size, bytesWritten: 4 * size }
  },
  reference: ({ x }, { kind }) => ({ y: x.data.map(activationFunctions[kind]) }),
}

/**
 * `y = f(x)` elementwise, f by `options.kind`: x f32[…] → y f32[…].
 *
 * @throws TesseraError `invalid-dtype`, `invalid-option`
 */
export function activation(x: Tensor, options: ActivationOptions): Tensor {
  return x.device.run(activationOp, { x }, options).y
}
