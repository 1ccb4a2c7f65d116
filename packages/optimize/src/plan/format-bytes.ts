import { storageFormat, storedBytes } from '@tessera-llm/formats'
import { type Shape, sizeOf } from '@tessera-llm/tensor'
import type { WeightFormat } from '../recipe/index.ts'

/** Bytes of a weight in a format, or why its rows do not fit. Integers count their codes, f16 scales, and zero points of as many bits. */
export function bytesAs(format: WeightFormat, shape: Shape): number | string {
  if (typeof format === 'string') return storedBytes(storageFormat(format), shape)
  const [rows = 0, columns = 0] = shape
  const { bits, group, symmetric = false } = format
  const groups = rows * (group === 'row' ? 1 : Math.ceil(columns / group))
  return Math.ceil((sizeOf(shape) * bits) / 8) + 2 * groups + (symmetric ? 0 : Math.ceil((groups * bits) / 8))
}

/** `q4_0`, `int4 of 64`, `int8 a row`. */
export function formatLabel(format: WeightFormat): string {
  if (typeof format === 'string') return format
  return `int${format.bits}${format.symmetric ? ' symmetric' : ''} ${format.group === 'row' ? 'a row' : `of ${format.group}`}`
}
