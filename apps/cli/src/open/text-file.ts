import { readFile } from 'node:fs/promises'
import { TesseraError } from '@tessera-llm/tensor'

/** A UTF-8 file that an option names. Throws `not-found`. */
export async function readTextFile(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new TesseraError('not-found', `--${option}: ${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, { cause })
  }
}
