import { findGgmlFormat } from '@tessera-llm/quantization'
import { bytesOf, type DType, encodeElements, isTesseraError, lastAxis, type Shape } from '@tessera-llm/tensor'

const denseFormats: readonly string[] = ['f32', 'f16', 'bf16', 'f64'] satisfies DType[]

/** The format in which changed values of a tensor are written: its own, or f16 if that has no encoder. */
export function writableFormat(format: string, shape: Shape): string {
  if (denseFormats.includes(format)) return format
  try {
    // Only the format knows whether it can be encoded.
    findGgmlFormat(format)?.encode(new Float32Array(lastAxis(shape)), [1, lastAxis(shape)])
    return format
  } catch (error) {
    if (isTesseraError(error, 'unsupported')) return 'f16'
    throw error
  }
}

/** Encodes values in a format that `writableFormat` returned. */
export function encodeAs(format: string, values: Float32Array, shape: Shape): Uint8Array {
  const block = findGgmlFormat(format)
  if (!block) return bytesOf(encodeElements(values, format as DType))
  return block.encode(values, shape)['blocks'] as Uint8Array
}
