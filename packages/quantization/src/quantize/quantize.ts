import type { Shape } from '@tessera-llm/tensor'
import { type BlockFormat, type EncodeOptions, ggmlFormat } from '../format/index.ts'
import { type GridFormat, isGridFormat, joinParts, packMatrix, splitParts, unpackMatrix } from '../grid-format/index.ts'
import { matrixShape } from '../grid-format/grid-format.ts'
import { rtn } from '../method/index.ts'
import { dequantizeMatrix, type Grid } from '../quantized-matrix/index.ts'

/** A weight of a few bits with all that decoding it takes. */
export interface QuantizedTensor {
  readonly format: BlockFormat | GridFormat
  /** Shape of the values; for grids always [rows, columns]. */
  readonly shape: Shape
  /**
   * Blocks as a GGUF file stores them, or the parts of a grid in the order of `GridFormat`: what a packer's `pack`
   * takes.
   */
  readonly bytes: Uint8Array
}

/**
 * Rounds f32 values to a format by the values alone, on the calling thread: ggml's own encoder for a block type, `rtn`
 * with searched scales for a grid. Methods that use calibration (`gptq`, `awqScales`) lose less.
 *
 * @param values f32, row-major, all finite
 * @param shape of `values`; the last axis is the input axis, along which scales are shared
 * @param format a ggml block type by name (`q4_0`, `q4_k`), or a grid (`codebookGrid('nf4', 64)`)
 * @throws TesseraError `invalid-option` for an unknown name or grid, `invalid-shape` if rows are not whole blocks, the
 *   count of values is another, or a grid gets no matrix, `invalid-value` with the index of the first NaN or infinity,
 *   `unsupported` for a block type without an encoder (`iq1_*`, `iq2_*`, `iq3_*`)
 */
export function quantize(
  values: Float32Array,
  shape: Shape,
  format: string | Grid,
  options: EncodeOptions = {},
): QuantizedTensor {
  if (typeof format === 'string') {
    const blocks = ggmlFormat(format)
    return { format: blocks, shape, bytes: blocks.encode(values, shape, options)['blocks'] as Uint8Array }
  }
  const packed = packMatrix(rtn({ values, shape: matrixShape('quantize', shape) }, format, options))
  return { format: packed.format, shape, bytes: joinParts(packed.format, packed.parts, shape) }
}

/**
 * The values of a quantized weight, f32, row-major, exact. Decodes a tensor of a GGUF file too:
 * `{ format: ggmlFormat('q4_0'), shape, bytes }`.
 *
 * @throws TesseraError `invalid-shape` if the format cannot hold the shape, or takes another number of bytes
 */
export function dequantize({ format, shape, bytes }: QuantizedTensor): Float32Array<ArrayBuffer> {
  return isGridFormat(format)
    ? dequantizeMatrix(unpackMatrix(format, splitParts(format, bytes, shape), shape))
    : format.decodeF32({ blocks: bytes }, shape)
}
