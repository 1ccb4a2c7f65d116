import { type FieldReader, type Fields, readFields } from './fields.ts'

/** The keys `<architecture>.*` of a GGUF file's metadata, by what follows the point. */
export function architectureFields(metadata: Fields, architecture: string): FieldReader {
  const prefix = `${architecture}.`
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) {
    if (key.startsWith(prefix)) own[key.slice(prefix.length)] = typeof value === 'bigint' ? Number(value) : value
  }
  return readFields(own, `GGUF metadata (${architecture})`)
}
