import { storageFormat, storedBytes } from '@tessera-llm/formats'
import { type Shape, sizeOf } from '@tessera-llm/tensor'
import { type CodebookFormat, codebooks, type WeightFormat } from '../recipe/index.ts'

/**
 * Bytes of a weight in a format, or the reason why its rows do not fit. Codes in groups include f16 scales (f32 for
 * 8-bit floats), and zero points with the bits of a code.
 */
export function bytesAs(format: WeightFormat, shape: Shape): number | string {
  if (typeof format === 'string') return storedBytes(storageFormat(format), shape)
  const [rows = 0, columns = 0] = shape
  const bits = 'codebook' in format ? codebooks[format.codebook] : format.bits
  const hasZeros = !('codebook' in format || format.symmetric)
  const { group } = format
  const groups = group === 'tensor' ? 1 : rows * (group === 'row' ? 1 : Math.ceil(columns / group))
  const scaleBytes = isFloat8(format) ? 4 : 2
  return Math.ceil((sizeOf(shape) * bits) / 8) + scaleBytes * groups + (hasZeros ? Math.ceil((groups * bits) / 8) : 0)
}

/** Whether a format is floats of 8 bits with scales, which folders can hold. */
export function isFloat8(format: WeightFormat): format is CodebookFormat {
  return typeof format !== 'string' && 'codebook' in format && format.codebook === 'fp8_e4m3'
}

/** `q4_0`, `int4 of 64`, `int8 a row`, `fp8_e4m3 a tensor`, `nf4 of 64`. */
export function formatLabel(format: WeightFormat): string {
  if (typeof format === 'string') return format
  const codes = 'codebook' in format ? format.codebook : `int${format.bits}${format.symmetric ? ' symmetric' : ''}`
  return `${codes} ${typeof format.group === 'number' ? `of ${format.group}` : `a ${format.group}`}`
}
