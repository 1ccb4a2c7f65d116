import { dense, lastAxis, rowsOf, sizeOf, type Op, type Tensor, TesseraError, toleranceOf } from '@tessera-llm/tensor'
import { checkF32, f32Spec } from '../check/index.ts'
import { normalise, type RmsNormOptions } from '../rms-norm/contract.ts'

/** Inputs of `addRmsNorm`: x and residual f32[…, D], weight f32[D] (1 if absent). */
export type AddRmsNormInputs = { readonly x: Tensor; readonly residual: Tensor; readonly weight?: Tensor | undefined }

/** Outputs of `addRmsNorm`: the sum h and its norm y, f32[…, D]. */
export type AddRmsNormOutputs = { readonly h: Tensor; readonly y: Tensor }

/**
 * Residual sum and its RMSNorm in one pass: `h = x + residual`, `y = rmsNorm(h, weight)`. x, residual, h, y f32[…, D],
 * weight f32[D].
 */
export const addRmsNormOp: Op<AddRmsNormInputs, AddRmsNormOutputs, RmsNormOptions> = {
  id: 'add-rms-norm',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, residual, weight }, { eps }) {
    const { shape } = f32Spec(x, 'add-rms-norm', 'x')
    f32Spec(residual, 'add-rms-norm', 'residual')
    checkF32(residual, shape, 'add-rms-norm', 'residual')
    checkF32(weight, [lastAxis(shape)], 'add-rms-norm', 'weight')
    if (!(eps >= 0)) throw new TesseraError('invalid-option', `add-rms-norm: eps must be 0 or positive, not ${eps}`)
    return { h: dense('f32', shape), y: dense('f32', shape) }
  },
  tolerance: ({ outputs }) => toleranceOf({ dtype: 'f32', reduce: lastAxis(outputs.y.shape), stages: 2 }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: 5 * size, bytesRead: 4 * (2 * size + lastAxis(outputs.y.shape)), bytesWritten: 8 * size }
  },
  reference({ x, residual, weight }, options) {
    const h = x.data.map((value, index) => value + (residual.data[index] as number))
    return { h, y: normalise(h, lastAxis(x.shape), rowsOf(x.shape), weight?.data, options) }
  },
}

/**
 * `h = x + residual` and `y = rmsNorm(h, weight)` in one pass: x, residual, h, y f32[…, D], weight f32[D], 1 if absent.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option` (negative `eps`)
 */
export function addRmsNorm(
  x: Tensor,
  residual: Tensor,
  weight: Tensor | undefined,
  options: RmsNormOptions,
): AddRmsNormOutputs {
  return x.device.run(addRmsNormOp, { x, residual, weight }, options)
}
