import { dense, denseSpec, formatShape, type Op, sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { blockTypeOf } from '../encode/contract.ts'
import { rowBytesOf } from '../format/block-format.ts'
import { ggmlFormat } from '../format/ggml.ts'

/** Inputs of `decode-blocks`: blocks u8[N, bytes of a row]. */
export type DecodeBlocksInputs = { readonly blocks: Tensor }

/** Outputs of `decode-blocks`: values f32[N, K]. */
export type DecodeBlocksOutputs = { readonly values: Tensor }

/** Options of `decode-blocks`. */
export type DecodeBlocksOptions = {
  /** Id of a ggml type. */
  readonly format: string
  /** Values of a row: whole blocks. */
  readonly columns: number
}

/**
 * ggml's blocks u8[N, bytes of a row] to their values f32[N, K]: those of `ggmlFormat(format).decodeF32`, which is the
 * reference, where scales are finite; NaN for a block with one that is not.
 */
export const decodeBlocksOp: Op<DecodeBlocksInputs, DecodeBlocksOutputs, DecodeBlocksOptions> = {
  id: 'decode-blocks',
  version: 1,
  package: '@tessera-llm/quantization',
  validate({ blocks }, { format, columns }) {
    const { dtype, shape } = denseSpec(blocks, 'decode-blocks', 'blocks')
    const [rows = 0, bytes = 0] = shape
    const expected = rowBytesOf(blockTypeOf(format), [rows, columns])
    if (dtype !== 'u8' || shape.length !== 2 || bytes !== expected)
      throw new TesseraError(
        'invalid-shape',
        `decode-blocks: rows of ${columns} values in ${format} are u8 [N, ${expected}], not ${dtype} ${formatShape(shape)}`,
      )
    return { values: dense('f32', [rows, columns]) }
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost({ inputs: { blocks }, outputs: { values } }) {
    return { flops: 2 * sizeOf(values.shape), bytesRead: sizeOf(blocks.shape), bytesWritten: 4 * sizeOf(values.shape) }
  },
  reference({ blocks }, { format, columns }) {
    const bytes = Uint8Array.from(blocks.data)
    return {
      values: Float64Array.from(ggmlFormat(format).decodeF32({ blocks: bytes }, [blocks.shape[0] ?? 0, columns])),
    }
  },
}
