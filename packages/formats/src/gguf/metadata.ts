import type { MetadataValue } from '../checkpoint/checkpoint.ts'
import { createStringsGetter, type StringTable } from '../strings/string-table.ts'

/** `GGUF` read as a little-endian number. */
export const ggufMagic = 0x4655_4747

/** Types of GGUF metadata, in the order of their numbers in the file. */
export const ggufValueTypes = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
] as const

/** Type of a GGUF metadata value. */
export type GgufValueType = (typeof ggufValueTypes)[number]
/** Type of a GGUF metadata value that is no array. */
export type GgufScalarType = Exclude<GgufValueType, 'array'>

/**
 * A metadata value with its type in the file. An array of arrays holds typed arrays, since each has its own element
 * type.
 */
export type GgufValue =
  | { readonly type: Exclude<GgufScalarType, 'bool' | 'string'>; readonly value: number | bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | GgufArray

/** A GGUF array with its element type. */
export type GgufArray =
  | {
      readonly type: 'array'
      readonly items: GgufScalarType
      readonly value: readonly (number | bigint | boolean | string)[]
    }
  | { readonly type: 'array'; readonly items: 'array'; readonly value: readonly GgufArray[] }

/** Smallest size of a value of each type in the file, in bytes; bounds the announced length of an array. */
export const minValueBytes: Readonly<Record<GgufValueType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  string: 8,
  array: 12,
  u64: 8,
  i64: 8,
  f64: 8,
}

/** An array of strings that are decoded on first access. */
export function stringArray(table: StringTable): GgufArray {
  return Object.defineProperty({ type: 'array', items: 'string' }, 'value', {
    get: createStringsGetter(table),
    enumerable: true,
  }) as GgufArray
}

/** Sets the value under `key`, keeping a lazily decoded value lazy. */
export function setPlainValue(metadata: Record<string, MetadataValue>, key: string, value: GgufValue): void {
  const { get } = Object.getOwnPropertyDescriptor(value, 'value') ?? {}
  if (get) Object.defineProperty(metadata, key, { get, enumerable: true })
  else metadata[key] = plainValue(value)
}

/** The value without its types. Arrays of scalars are shared, not copied. */
function plainValue(value: GgufValue): MetadataValue {
  if (value.type === 'array' && value.items === 'array') return value.value.map(plainValue)
  return value.value
}
