import { storageFormat, storedBytes } from '@tessera-llm/formats'
import { type Shape, sizeOf } from '@tessera-llm/tensor'
import { codebooks, type WeightFormat } from '../recipe/index.ts'

/**
 * Bytes of a weight in a format, or the reason why its rows do not fit. Codes in groups include f16 scales, and zero
 * points with the bits of a code.
 */
export function bytesAs(format: WeightFormat, shape: Shape): number | string {
  if (typeof format === 'string') return storedBytes(storageFormat(format), shape)
  const [rows = 0, columns = 0] = shape
  const bits = 'codebook' in format ? codebooks[format.codebook] : format.bits
  const hasZeros = !('codebook' in format || format.symmetric)
  const groups = rows * (format.group === 'row' ? 1 : Math.ceil(columns / format.group))
  return Math.ceil((sizeOf(shape) * bits) / 8) + 2 * groups + (hasZeros ? Math.ceil((groups * bits) / 8) : 0)
}

/** `q4_0`, `int4 of 64`, `int8 a row`, `nf4 of 64`. */
export function formatLabel(format: WeightFormat): string {
  if (typeof format === 'string') return format
  const codes = 'codebook' in format ? format.codebook : `int${format.bits}${format.symmetric ? ' symmetric' : ''}`
  return `${codes} ${format.group === 'row' ? 'a row' : `of ${format.group}`}`
}
