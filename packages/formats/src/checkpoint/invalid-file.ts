import { TesseraError } from '@tessera-llm/tensor'

/** A file that breaks its format: the message names the file, the field and where it lies; so do the details. */
export function invalidFile(file: string, field: string, byteOffset: number, problem: string): TesseraError {
  return new TesseraError('invalid-file', `${file}: ${field} at byte ${byteOffset}: ${problem}`, {
    details: { file, field, byteOffset },
  })
}

/** For messages: a name from a file, shortened, with control characters made visible. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}
