import {
  dense,
  denseSpec,
  formatShape,
  sizeOf,
  type Op,
  type Tensor,
  TesseraError,
  toleranceOf,
  type Weight,
} from '@tessera-llm/tensor'

/** Inputs of `embedding`: ids i32[…], weight [V, D] dense or packed. */
export type EmbeddingInputs = { readonly ids: Tensor; readonly weight: Weight }

/** Outputs of `embedding`: y f32[…, D]. */
export type EmbeddingOutputs = { readonly y: Tensor }

/** Options of `embedding`. */
export type EmbeddingOptions = {
  /** Factor on every value (Gemma: √D). Default 1. */
  readonly scale?: number | undefined
}

/**
 * `y[…, :] = scale · weight[ids[…], :]`: ids i32[…], weight [V, D] dense or packed → y f32[…, D]. Ids outside 0 … V−1
 * give zeros.
 */
export const embeddingOp: Op<EmbeddingInputs, EmbeddingOutputs, EmbeddingOptions> = {
  id: 'embedding',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ ids, weight }, { scale = 1 }) {
    const { dtype, shape } = denseSpec(ids, 'embedding', 'ids')
    if (dtype !== 'i32') throw new TesseraError('invalid-dtype', `embedding: ids must be i32, not ${dtype}`)
    if (weight.shape.length !== 2)
      throw new TesseraError('invalid-shape', `embedding: weight must be [V, D], not ${formatShape(weight.shape)}`)
    if (!Number.isFinite(scale))
      throw new TesseraError('invalid-option', `embedding: scale must be finite, not ${scale}`)
    return { y: dense('f32', [...shape, weight.shape[1] ?? 0]) }
  },
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost({ outputs }) {
    const size = sizeOf(outputs.y.shape)
    return { flops: size, bytesRead: size * 4, bytesWritten: size * 4 }
  },
  reference({ ids, weight }, { scale = 1 }) {
    const [rows = 0, width = 0] = weight.shape
    const y = new Float64Array(ids.data.length * width)
    for (const [index, id] of ids.data.entries()) {
      if (id < 0 || id >= rows) continue
      for (let column = 0; column < width; column++)
        y[index * width + column] = scale * (weight.data[id * width + column] as number)
    }
    return { y }
  },
}

/**
 * `y[…, :] = scale · weight[ids[…], :]`: ids i32[…], weight [V, D] dense or packed → y f32[…, D]. Ids outside 0 … V−1
 * give zeros.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option` (`scale` not finite)
 */
export function embedding(ids: Tensor, weight: Weight, options: EmbeddingOptions = {}): Tensor {
  return ids.device.run(embeddingOp, { ids, weight }, options).y
}
