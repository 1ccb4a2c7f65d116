import { decodeToF32, type DType, sizeOf, viewBytes } from '@tessera-llm/tensor'
import { dequantizeMatrix, ggmlFormat, type QuantizedMatrix } from '@tessera-llm/quantization'
import type { GgmlFormat } from '../recipe/index.ts'

/** A compressed weight: blocks as a GGUF file stores them, or codes with scales. */
export type CompressedWeight = BlockWeight | MatrixWeight

export interface BlockWeight {
  readonly kind: 'blocks'
  readonly format: GgmlFormat
  readonly shape: readonly [number, number]
  readonly bytes: Uint8Array
}

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
