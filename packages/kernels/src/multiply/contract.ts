import { dense, sizeOf, type Op, type Tensor, toleranceOf } from '@tessera-llm/tensor'
import { checkSuffix } from '../check/index.ts'

/** Inputs of `multiply`: a f32 of any shape, b f32 of that shape or of its last axes. */
export type MultiplyInputs = { readonly a: Tensor; readonly b: Tensor }

/** Outputs of `multiply`: y f32, in the shape of a. */
export type MultiplyOutputs = { readonly y: Tensor }

/**
 * `y = a · b`, elementwise: a, y f32 of one shape; b f32 of that shape, or of its last axes and broadcast over the
 * others.
 */
export const multiplyOp: Op<MultiplyInputs, MultiplyOutputs, Record<string, never>> = {
  id: 'multiply',
  version: 1,
  package: '@tessera-llm/kernels',
  validate: ({ a, b }) => ({ y: dense('f32', checkSuffix(a, b, 'multiply')) }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost({ inputs, outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: size, bytesRead: 4 * (size + sizeOf(inputs.b.shape)), bytesWritten: 4 * size }
  },
  reference: ({ a, b }) => ({ y: a.data.map((value, index) => value * (b.data[index % b.data.length] as number)) }),
}

/**
 * `y = a · b` elementwise: a f32[…], b f32 of the same shape, or of its last axes and broadcast over the others → y
 * f32[…].
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`
 */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return a.device.run(multiplyOp, { a, b }, {}).y
}
