import { TesseraError } from '@tessera-llm/tensor'

export type Fields = Readonly<Record<string, unknown>>

/** Typed access to metadata of unknown origin: every value that reaches the model has been checked here. */
export interface FieldReader {
  integer(name: string, fallback?: number): number
  number(name: string, fallback?: number): number
  string(name: string, fallback?: string): string
  boolean(name: string, fallback: boolean): boolean
  record(name: string): Fields | undefined
  has(name: string): boolean
}

/** Reads fields of `fields`; messages name `source` (`config.json`, `GGUF metadata`) and the field. */
export function readFields(fields: Fields, source: string): FieldReader {
  const fail = (name: string, expected: string): never => {
    const value = fields[name]
    const actual = value === undefined || value === null ? 'missing' : JSON.stringify(typeof value === 'bigint' ? String(value) : value)?.slice(0, 60)
    throw new TesseraError('invalid-file', `${source}: ${name} must be ${expected}, but is ${actual}`, { details: { field: name } })
  }
  const get = (name: string): unknown => {
    const value = fields[name]
    return value === null ? undefined : value
  }
  const number = (name: string, fallback?: number): number => {
    const value = get(name)
    if (value === undefined && fallback !== undefined) return fallback
    return typeof value === 'number' && Number.isFinite(value) ? value : fail(name, 'a finite number')
  }
  return {
    number,
    integer(name, fallback) {
      const value = number(name, fallback)
      return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31 ? value : fail(name, 'an integer from 0 to 2147483647')
    },
    string(name, fallback) {
      const value = get(name)
      if (value === undefined && fallback !== undefined) return fallback
      return typeof value === 'string' ? value : fail(name, 'a string')
    },
    boolean(name, fallback) {
      const value = get(name)
      if (value === undefined) return fallback
      return typeof value === 'boolean' ? value : fail(name, 'true or false')
    },
    record(name) {
      const value = get(name)
      if (value === undefined) return undefined
      return typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : fail(name, 'an object')
    },
    has: (name) => get(name) !== undefined,
  }
}
