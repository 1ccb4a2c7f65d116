import { readFile } from 'node:fs/promises'
import { TesseraError } from '@tessera-llm/tensor'

/** Reads a UTF-8 file; `what` begins the message of an error. Throws `not-found`. */
export async function readText(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new TesseraError(
      'not-found',
      `${what}: ${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    )
  }
}
