import { TesseraError } from '@tessera-llm/tensor'
import type { GgufValue } from './metadata.ts'

const key = 'general.alignment'
const defaultAlignment = 32

/** Value of `general.alignment`; throws `code` unless it is a power of two of type u32. */
export function checkAlignment(
  metadata: ReadonlyMap<string, GgufValue>,
  code: 'invalid-file' | 'invalid-value',
  file: string,
): number {
  const entry = metadata.get(key)
  if (entry === undefined) return defaultAlignment
  const value = entry.type === 'u32' ? Number(entry.value) : 0
  if (value >= 1 && Number.isInteger(Math.log2(value))) return value
  const found = entry.type === 'array' ? 'an array' : `${entry.value} of type ${entry.type}`
  throw new TesseraError(code, `${file}: metadata "${key}" must be a power of two of type u32, not ${found}`, {
    details: { file, field: key },
  })
}
