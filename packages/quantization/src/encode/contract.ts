import { dense, denseSpec, lastAxis, type Op, rowsOf, sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { rowBytesOf } from '../format/block-format.ts'
import type { BlockType } from '../format/block-type.ts'
import { ggmlBlockTypes } from '../format/block-types.ts'
import { ggmlFormat } from '../format/ggml.ts'

/** Inputs of `encode-blocks`: values f32[N, K], importance f32[K] (all equal if absent). */
export type EncodeBlocksInputs = { readonly values: Tensor; readonly importance?: Tensor | undefined }

/** Outputs of `encode-blocks`: blocks u8[N, bytes of a row]. */
export type EncodeBlocksOutputs = { readonly blocks: Tensor }

/** Options of `encode-blocks`. */
export type EncodeBlocksOptions = {
  /** Id of a ggml type with an encoder. */
  readonly format: string
}

/**
 * Rows of finite values f32[N, K] as ggml's blocks, u8[N, bytes of a row], with an importance f32[K] of the columns or
 * without: the very bytes of `ggmlFormat(format).encode`, which is the reference.
 */
export const encodeBlocksOp: Op<EncodeBlocksInputs, EncodeBlocksOutputs, EncodeBlocksOptions> = {
  id: 'encode-blocks',
  version: 1,
  package: '@tessera-llm/quantization',
  validate({ values, importance }, { format }) {
    const { dtype, shape } = denseSpec(values, 'encode-blocks', 'values')
    if (dtype !== 'f32') throw new TesseraError('invalid-dtype', `encode-blocks: values must be f32, not ${dtype}`)
    if (importance !== undefined) {
      const { dtype: type, shape: of } = denseSpec(importance, 'encode-blocks', 'importance')
      if (type !== 'f32' || sizeOf(of) !== lastAxis(shape))
        throw new TesseraError(
          'invalid-shape',
          `encode-blocks: importance is f32, one weight for each of the ${lastAxis(shape)} columns, not ${type} of ${sizeOf(of)}`,
        )
    }
    return { blocks: dense('u8', [rowsOf(shape), rowBytesOf(blockTypeOf(format), shape)]) }
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost({ inputs: { values }, outputs: { blocks } }) {
    // Some 20 scales are tried, by some ten operations a value.
    return {
      flops: 200 * sizeOf(values.shape),
      bytesRead: 4 * sizeOf(values.shape),
      bytesWritten: sizeOf(blocks.shape),
    }
  },
  reference({ values, importance }, { format }) {
    const weights = importance ? { importance: Float32Array.from(importance.data) } : {}
    const { blocks } = ggmlFormat(format).encode(Float32Array.from(values.data), values.shape, weights)
    return { blocks: Float64Array.from(blocks as Uint8Array) }
  },
}

export function blockTypeOf(format: string): BlockType {
  const type = ggmlBlockTypes.find(({ id }) => id === format)
  if (type) return type
  throw new TesseraError(
    'invalid-option',
    `encode-blocks: there is no block type ${JSON.stringify(format)}; types are ${ggmlBlockTypes.map(({ id }) => id).join(', ')}`,
  )
}
