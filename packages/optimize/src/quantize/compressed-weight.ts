import { decodeToF32, type DType, sizeOf, viewBytes } from '@tessera-llm/tensor'
import { dequantizeMatrix, ggmlFormat, type QuantizedMatrix } from '@tessera-llm/quantization'
import type { GgmlFormat } from '../recipe/index.ts'

/** A compressed weight: blocks as a GGUF file stores them, or codes with scales. */
export type CompressedWeight = BlockWeight | MatrixWeight

/** A weight [N, K] in a ggml block type, or dense in f16 or f32: bytes as a GGUF file stores them. */
export interface BlockWeight {
  readonly kind: 'blocks'
  readonly format: GgmlFormat
  readonly shape: readonly [number, number]
  readonly bytes: Uint8Array
}

/** A weight [N, K] on a grid: codes with scales. */
export interface MatrixWeight {
  readonly kind: 'matrix'
  readonly matrix: QuantizedMatrix
}

/** Values of a compressed weight, f32 row-major: those that the compressed model computes with. */
export function decodeWeight(weight: CompressedWeight): Float32Array<ArrayBuffer> {
  if (weight.kind === 'matrix') return dequantizeMatrix(weight.matrix)
  const { format, shape, bytes } = weight
  if (format === 'f32' || format === 'f16')
    return decodeToF32(viewBytes(bytes, format satisfies DType), format, sizeOf(shape))
  return ggmlFormat(format).decodeF32({ blocks: bytes }, shape)
}
