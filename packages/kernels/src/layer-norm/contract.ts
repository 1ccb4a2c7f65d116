import { dense, lastAxis, sizeOf, type Op, type Tensor, TesseraError, toleranceOf } from '@tessera-llm/tensor'
import { checkF32, f32Spec } from '../check/index.ts'

/** Inputs of `layerNorm`: x f32[…, D], weight (1 if absent) and bias (0 if absent) f32[D]. */
export type LayerNormInputs = {
  readonly x: Tensor
  readonly weight?: Tensor | undefined
  readonly bias?: Tensor | undefined
}
/** Outputs of `layerNorm`: y f32[…, D]. */
export type LayerNormOutputs = { readonly y: Tensor }

/** Options of `layerNorm`: `eps` ≥ 0 is added to the variance. */
export type LayerNormOptions = { readonly eps: number }

/**
 * LayerNorm (Ba, Kiros and Hinton 2016, arXiv 1607.06450): `y = (x − mean) / √(variance + eps) · weight + bias` over
 * the last axis, with the biased variance. x, y f32[…, D], weight and bias f32[D].
 */
export const layerNormOp: Op<LayerNormInputs, LayerNormOutputs, LayerNormOptions> = {
  id: 'layer-norm',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, weight, bias }, { eps }) {
    const { shape } = f32Spec(x, 'layer-norm', 'x')
    checkF32(weight, [lastAxis(shape)], 'layer-norm', 'weight')
    checkF32(bias, [lastAxis(shape)], 'layer-norm', 'bias')
    if (!(eps >= 0)) throw new TesseraError('invalid-option', `layer-norm: eps must be 0 or positive, not ${eps}`)
    return { y: dense('f32', shape) }
  },
  tolerance: ({ outputs }) => toleranceOf({ dtype: 'f32', reduce: lastAxis(outputs.y.shape), stages: 2 }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: 7 * size, bytesRead: 4 * (size + 2 * lastAxis(outputs.y.shape)), bytesWritten: 4 * size }
  },
  reference({ x, weight, bias }, { eps }) {
    const width = lastAxis(x.shape)
    const y = new Float64Array(x.data.length)
    for (let start = 0; start < x.data.length; start += width) {
      const row = x.data.subarray(start, start + width)
      const mean = row.reduce((sum, value) => sum + value, 0) / width
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width
      for (const [i, value] of row.entries()) {
        y[start + i] = ((value - mean) / Math.sqrt(variance + eps)) * (weight?.data[i] ?? 1) + (bias?.data[i] ?? 0)
      }
    }
    return { y }
  },
}

/**
 * LayerNorm over the last axis: `y = (x − mean) / √(variance + eps) · weight + bias`. x, y f32[…, D], weight (1 if
 * absent) and bias (0 if absent) f32[D].
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option` (negative `eps`)
 */
export function layerNorm(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  options: LayerNormOptions,
): Tensor {
  return x.device.run(layerNormOp, { x, weight, bias }, options).y
}
