import {
  dense,
  denseSpec,
  formatShape,
  sizeOf,
  type Op,
  type Tensor,
  TesseraError,
  toleranceOf,
} from '@tessera-llm/tensor'
import { checkChoice, f32Spec } from '../check/index.ts'

/** Inputs of `rope`: x f32[B, T, H, D], cos and sin f32[P, R/2], positions i32[B, T] in 0 … P − 1. */
export type RopeInputs = { readonly x: Tensor; readonly cos: Tensor; readonly sin: Tensor; readonly positions: Tensor }

/** Outputs of `rope`: y f32[B, T, H, D]. */
export type RopeOutputs = { readonly y: Tensor }

/** Options of `rope`: the order of rotary pairs. */
export type RopeOptions = {
  /** `neox` rotates channel pairs (i, i + R/2), `gptj` pairs (2i, 2i + 1); R is the rotary dimension. */
  readonly style: 'neox' | 'gptj'
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864): (a, b) → (a cos − b sin, b cos + a sin) for each pair
 * of the first R channels of a head; the rest is copied. x, y f32[B, T, H, D]; cos, sin f32[P, R/2] (see `ropeTable`);
 * positions i32[B, T] in 0 … P−1.
 */
export const ropeOp: Op<RopeInputs, RopeOutputs, RopeOptions> = {
  id: 'rope',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ x, cos, sin, positions }, { style }) {
    const { shape } = f32Spec(x, 'rope', 'x')
    const table = f32Spec(cos, 'rope', 'cos').shape
    const [batch = 0, tokens = 0, , headDim = 0] = shape
    const where = denseSpec(positions, 'rope', 'positions')
    checkChoice(style, ['neox', 'gptj'], 'rope', 'style')
    if (shape.length !== 4)
      throw new TesseraError('invalid-shape', `rope: x must be [B, T, H, D], not ${formatShape(shape)}`)
    if (where.dtype !== 'i32' || where.shape.join() !== [batch, tokens].join()) {
      throw new TesseraError(
        'invalid-shape',
        `rope: positions must be i32 ${formatShape([batch, tokens])}, not ${where.dtype} ${formatShape(where.shape)}`,
      )
    }
    if (
      table.length !== 2 ||
      table.join() !== f32Spec(sin, 'rope', 'sin').shape.join() ||
      2 * (table[1] ?? 0) > headDim
    ) {
      throw new TesseraError(
        'invalid-shape',
        `rope: cos and sin must both be [P, R/2] with R ≤ ${headDim}, not ${formatShape(table)} and ${formatShape(sin.shape)}`,
      )
    }
    return { y: dense('f32', shape) }
  },
  tolerance: () => toleranceOf({ dtype: 'f32', reduce: 2 }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: 3 * size, bytesRead: 4 * size, bytesWritten: 4 * size }
  },
  reference({ x, cos, sin, positions }, { style }) {
    const [, , heads = 0, headDim = 0] = x.shape
    const half = cos.shape[1] ?? 0
    const y = Float64Array.from(x.data)
    for (const [token, position] of positions.data.entries()) {
      for (let head = 0; head < heads; head++) {
        const base = (token * heads + head) * headDim
        for (let i = 0; i < half; i++) {
          const first = base + (style === 'neox' ? i : 2 * i)
          const second = style === 'neox' ? first + half : first + 1
          const c = cos.data[position * half + i] as number
          const s = sin.data[position * half + i] as number
          const a = x.data[first] as number
          const b = x.data[second] as number
          y[first] = a * c - b * s
          y[second] = b * c + a * s
        }
      }
    }
    return { y }
  },
}

/**
 * Rotates channel pairs by their positions (RoPE): x f32[B, T, H, D], cos and sin f32[P, R/2] from `ropeTable`,
 * positions i32[B, T] in 0 … P−1 → y f32[B, T, H, D]. Channels from R on are copied. See {@link ropeOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function rope(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor, options: RopeOptions): Tensor {
  return x.device.run(ropeOp, { x, cos, sin, positions }, options).y
}
