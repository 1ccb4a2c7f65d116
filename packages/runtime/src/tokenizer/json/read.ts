import { TesseraError } from '@tessera-llm/tensor'
import { type Fields, type FieldReader, readFields } from '../../config/index.ts'

/** One object of a tokenizer.json, with its path in the file for messages. */
export interface Part {
  readonly path: string
  readonly type: string
  readonly raw: Fields
  readonly fields: FieldReader
}

/** Throws `invalid-file` with the path in `details.field`. */
export function refuse(path: string, what: string): never {
  throw new TesseraError('invalid-file', `tokenizer.json: ${path} ${what}`, { details: { field: path } })
}

/** Throws `unsupported` with the path in `details.field`. */
export function unsupported(path: string, what: string): never {
  throw new TesseraError('unsupported', `tokenizer.json: ${path} ${what}`, { details: { field: path } })
}

/** The typed object at `path`; undefined for null or an absent field. */
export function readPart(value: unknown, path: string): Part | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value))
    return refuse(path, `must be an object, but is ${describe(value)}`)
  const raw = value as Fields
  const fields = readFields(raw, `tokenizer.json, ${path}`)
  return { path, type: fields.string('type', ''), raw, fields }
}

/** The objects of a list; an empty list for null or an absent field. */
export function readParts(value: unknown, path: string): Part[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return refuse(path, `must be a list, but is ${describe(value)}`)
  return value.map((item, index) => readPart(item, `${path}[${index}]`) ?? refuse(`${path}[${index}]`, 'is null'))
}

/** Steps of a `Sequence`, flattened; another part is its own only step. */
export function flatten(part: Part | undefined, listName: string): Part[] {
  if (part === undefined) return []
  return part.type === 'Sequence'
    ? readParts(part.raw[listName], `${part.path}.${listName}`).flatMap((step) => flatten(step, listName))
    : [part]
}

export function describe(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? typeof value
}
