import { dense, lastAxis, rowsOf, sizeOf, type Op, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { f32Spec } from '../check/index.ts'

/** Inputs of `topK`: x f32[…, V]. */
export type TopKInputs = { readonly x: Tensor }

/** Outputs of `topK`: values f32[…, k] in descending order, indices i32[…, k]. */
export type TopKOutputs = { readonly values: Tensor; readonly indices: Tensor }

/** Options of `topK`: the number of values, 1 … V. */
export type TopKOptions = { readonly k: number }

/**
 * The k largest values along the last axis in descending order; ties go to the lower index. x f32[…, V] → values f32[…,
 * k], indices i32[…, k].
 */
export const topKOp: Op<TopKInputs, TopKOutputs, TopKOptions> = {
  id: 'top-k',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x }, { k }) {
    const { shape } = f32Spec(x, 'top-k', 'x')
    if (shape.length === 0) throw new TesseraError('invalid-shape', 'top-k: x must have a last axis')
    if (!Number.isInteger(k) || k < 1 || k > lastAxis(shape))
      throw new TesseraError('invalid-option', `top-k: k must be an integer of 1 … ${lastAxis(shape)}, not ${k}`)
    const out = [...shape.slice(0, -1), k]
    return { values: dense('f32', out), indices: dense('i32', out) }
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost({ inputs, outputs }) {
    const size = sizeOf(inputs.x.shape)
    return { flops: size, bytesRead: 4 * size, bytesWritten: 8 * sizeOf(outputs.values.shape) }
  },
  reference({ x }, { k }) {
    const width = lastAxis(x.shape)
    const rows = rowsOf(x.shape)
    const values = new Float64Array(rows * k)
    const indices = new Float64Array(rows * k)
    for (let row = 0; row < rows; row++) {
      const line = x.data.subarray(row * width, (row + 1) * width)
      const order = Array.from(line.keys()).sort((a, b) => (line[b] as number) - (line[a] as number) || a - b)
      for (const [rank, index] of order.slice(0, k).entries()) {
        values[row * k + rank] = line[index] as number
        indices[row * k + rank] = index
      }
    }
    return { values, indices }
  },
}

/**
 * The `options.k` largest values along the last axis in descending order, with their indices; ties go to the lower
 * index. x f32[…, V] → values f32[…, k], indices i32[…, k].
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option` (k outside 1 … V)
 */
export function topK(x: Tensor, options: TopKOptions): TopKOutputs {
  return x.device.run(topKOp, { x }, options)
}
