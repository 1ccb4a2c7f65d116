import { TesseraError } from '@tessera-llm/tensor'

/** Metadata of a model by key, of unchecked types: a parsed `config.json`, or the metadata of a GGUF file. */
export type Fields = Readonly<Record<string, unknown>>

/** The name of a field, or its alternative names, the first present of which counts. */
export type FieldName = string | readonly string[]

/** Typed access to metadata of unknown origin: every value that reaches the model is checked here. */
export interface FieldReader {
  integer(name: FieldName, fallback?: number): number
  number(name: FieldName, fallback?: number): number
  string(name: FieldName, fallback?: string): string
  boolean(name: FieldName, fallback: boolean): boolean
  record(name: FieldName): Fields | undefined
  list(name: FieldName): readonly unknown[] | undefined
  has(name: FieldName): boolean
}

/** Reads fields of `fields`; messages name `source` (`config.json`, `GGUF metadata`) and the field. */
export function readFields(fields: Fields, source: string): FieldReader {
  // null marks a field that is not set.
  const isSet = (name: string): boolean => fields[name] !== undefined && fields[name] !== null
  const find = (name: FieldName): readonly [string, unknown] => {
    const names = typeof name === 'string' ? [name] : name
    const found = names.find(isSet)
    return found === undefined ? [names.join(' or '), undefined] : [found, fields[found]]
  }
  const fail = (name: string, value: unknown, expected: string): never => {
    const actual =
      value === undefined ? 'missing' : JSON.stringify(typeof value === 'bigint' ? String(value) : value)?.slice(0, 60)
    throw new TesseraError('invalid-file', `${source}: ${name} must be ${expected}, but is ${actual}`, {
      details: { field: name },
    })
  }
  const number = (name: FieldName, fallback?: number): number => {
    const [found, value] = find(name)
    if (value === undefined && fallback !== undefined) return fallback
    return typeof value === 'number' && Number.isFinite(value) ? value : fail(found, value, 'a finite number')
  }
  return {
    number,
    integer(name, fallback) {
      const value = number(name, fallback)
      return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31
        ? value
        : fail(find(name)[0], value, 'an integer from 0 to 2147483647')
    },
    string(name, fallback) {
      const [found, value] = find(name)
      if (value === undefined && fallback !== undefined) return fallback
      return typeof value === 'string' ? value : fail(found, value, 'a string')
    },
    boolean(name, fallback) {
      const [found, value] = find(name)
      if (value === undefined) return fallback
      return typeof value === 'boolean' ? value : fail(found, value, 'true or false')
    },
    record(name) {
      const [found, value] = find(name)
      if (value === undefined) return undefined
      return typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : fail(found, value, 'an object')
    },
    list(name) {
      const [found, value] = find(name)
      if (value === undefined) return undefined
      return Array.isArray(value) ? value : fail(found, value, 'a list')
    },
    has: (name) => find(name)[1] !== undefined,
  }
}
