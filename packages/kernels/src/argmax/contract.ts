import { dense, lastAxis, sizeOf, type Op, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { f32Spec } from '../check/index.ts'

/** Inputs of `argmax`: x f32[…, V]. */
export type ArgmaxInputs = { readonly x: Tensor }

/** Outputs of `argmax`: index i32[…], 0 … V − 1. */
export type ArgmaxOutputs = { readonly index: Tensor }

/** Index of the largest value along the last axis; ties go to the lower index. x f32[…, V] → index i32[…]. */
export const argmaxOp: Op<ArgmaxInputs, ArgmaxOutputs, Record<string, never>> = {
  id: 'argmax',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x }) {
    const { shape } = f32Spec(x, 'argmax', 'x')
    if (shape.length === 0 || lastAxis(shape) === 0)
      throw new TesseraError('invalid-shape', 'argmax: x must have a last axis with at least one value')
    return { index: dense('i32', shape.slice(0, -1)) }
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost: ({ inputs }) => ({ flops: sizeOf(inputs.x.shape), bytesRead: 4 * sizeOf(inputs.x.shape), bytesWritten: 4 }),
  reference({ x }) {
    const width = lastAxis(x.shape)
    const index = new Float64Array(x.data.length / width)
    for (const row of index.keys()) {
      let best = 0
      for (let i = 1; i < width; i++)
        if ((x.data[row * width + i] as number) > (x.data[row * width + best] as number)) best = i
      index[row] = best
    }
    return { index }
  },
}

/**
 * Index of the largest value along the last axis; ties go to the lower index. x f32[…, V] → i32[…].
 *
 * @throws TesseraError `invalid-shape` (empty last axis), `invalid-dtype`
 */
export function argmax(x: Tensor): Tensor {
  return x.device.run(argmaxOp, { x }, {}).index
}
