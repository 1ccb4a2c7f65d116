import { dense, sizeOf, type Op, type Tensor, TesseraError, toleranceOf } from '@tessera-llm/tensor'
import { f32Spec } from '../check/index.ts'

/** Inputs of `scale`: x f32 of any shape. */
export type ScaleInputs = { readonly x: Tensor }

/** Outputs of `scale`: y f32, in the shape of x. */
export type ScaleOutputs = { readonly y: Tensor }

/** Options of `scale`: a finite factor. */
export type ScaleOptions = { readonly factor: number }

/** `y = factor · x`: x, y f32 of one shape. */
export const scaleOp: Op<ScaleInputs, ScaleOutputs, ScaleOptions> = {
  id: 'scale',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x }, { factor }) {
    if (!Number.isFinite(factor))
      throw new TesseraError('invalid-option', `scale: factor must be finite, not ${factor}`)
    return { y: dense('f32', f32Spec(x, 'scale', 'x').shape) }
  },
  // Two roundings: of the factor to f32, and of the product.
  tolerance: () => toleranceOf({ dtype: 'f32', stages: 2 }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: size, bytesRead: 4 * size, bytesWritten: 4 * size }
  },
  reference: ({ x }, { factor }) => ({ y: x.data.map((value) => factor * value) }),
}

/**
 * `y = factor · x`: x, y f32 of one shape.
 *
 * @throws TesseraError `invalid-dtype`, `invalid-option` (`factor` not finite)
 */
export function scale(x: Tensor, options: ScaleOptions): Tensor {
  return x.device.run(scaleOp, { x }, options).y
}
