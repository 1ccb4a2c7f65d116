import { TesseraError } from '@tessera-llm/tensor'

/** Error for a file that breaks its format: message and details name the file, the field and its byte offset. */
export function invalidFile(file: string, field: string, byteOffset: number, problem: string): TesseraError {
  return new TesseraError('invalid-file', `${file}: ${field} at byte ${byteOffset}: ${problem}`, {
    details: { file, field, byteOffset },
  })
}

/** For messages: a name from a file, shortened, with control characters made visible. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}
