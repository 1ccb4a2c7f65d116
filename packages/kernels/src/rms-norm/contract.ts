import { dense, lastAxis, rowsOf, sizeOf, type Op, type Tensor, TesseraError, toleranceOf } from '@tessera-llm/tensor'
import { checkF32, f32Spec } from '../check/index.ts'

/** Inputs of `rmsNorm`: x and residual f32[…, D], weight f32[D] (1 if absent). */
export type RmsNormInputs = {
  readonly x: Tensor
  readonly weight?: Tensor | undefined
  readonly residual?: Tensor | undefined
}
/** Outputs of `rmsNorm`: y f32[…, D]. */
export type RmsNormOutputs = { readonly y: Tensor }

/** Options of `rmsNorm`: `eps` ≥ 0 is added to the mean square. */
export type RmsNormOptions = {
  readonly eps: number
  /** Multiplies by 1 + weight (Gemma) instead of weight. Default false. */
  readonly unitOffset?: boolean | undefined
}

/**
 * RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467): `y = x / √(mean(x²) + eps) · weight + residual` over the last
 * axis. x, y, residual f32[…, D], weight f32[D].
 */
export const rmsNormOp: Op<RmsNormInputs, RmsNormOutputs, RmsNormOptions> = {
  id: 'rms-norm',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, weight, residual }, { eps }) {
    const { shape } = f32Spec(x, 'rms-norm', 'x')
    checkF32(weight, [lastAxis(shape)], 'rms-norm', 'weight')
    checkF32(residual, shape, 'rms-norm', 'residual')
    if (!(eps >= 0)) throw new TesseraError('invalid-option', `rms-norm: eps must be 0 or positive, not ${eps}`)
    return { y: dense('f32', shape) }
  },
  tolerance: ({ outputs }) => toleranceOf({ dtype: 'f32', reduce: lastAxis(outputs.y.shape), stages: 2 }),
  cost({ inputs: { residual }, outputs }) {
    const size = sizeOf(outputs.y.shape)
    return {
      flops: (residual ? 5 : 4) * size,
      bytesRead: 4 * ((residual ? 2 : 1) * size + lastAxis(outputs.y.shape)),
      bytesWritten: 4 * size,
    }
  },
  reference({ x, weight, residual }, options) {
    const y = normalise(x.data, lastAxis(x.shape), rowsOf(x.shape), weight?.data, options)
    return { y: residual ? y.map((value, index) => value + (residual.data[index] as number)) : y }
  },
}

/**
 * RMSNorm over the last axis: `y = x / √(mean(x²) + eps) · weight + residual`. x, y, residual f32[…, D], weight f32[D],
 * 1 if absent. `unitOffset` multiplies by 1 + weight (Gemma).
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option` (negative `eps`)
 */
export function rmsNorm(
  x: Tensor,
  weight: Tensor | undefined,
  { residual, ...options }: RmsNormOptions & Pick<RmsNormInputs, 'residual'>,
): Tensor {
  return x.device.run(rmsNormOp, { x, weight, residual }, options).y
}

/** Float64 definition, shared with `add-rms-norm`. */
export function normalise(
  x: Float64Array,
  width: number,
  rows: number,
  weight: Float64Array | undefined,
  { eps, unitOffset = false }: RmsNormOptions,
): Float64Array {
  const y = new Float64Array(x.length)
  for (let row = 0; row < rows; row++) {
    let squares = 0
    for (let i = 0; i < width; i++) squares += (x[row * width + i] as number) ** 2
    const scale = 1 / Math.sqrt(squares / width + eps)
    for (let i = 0; i < width; i++) {
      const factor = weight ? (weight[i] as number) + (unitOffset ? 1 : 0) : 1
      y[row * width + i] = (x[row * width + i] as number) * scale * factor
    }
  }
  return y
}
