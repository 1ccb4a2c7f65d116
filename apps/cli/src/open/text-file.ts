import { readJsonLines, readText } from '@tessera-llm/optimize/node'
import { TesseraError } from '@tessera-llm/tensor'

/** Reads the UTF-8 file of an option. Throws `not-found`. */
export async function readTextFile(option: string, path: string): Promise<string> {
  return readText(`--${option}`, path)
}

/** Reads the file of `--jsonl`, one JSON string a line, skipping empty lines. Throws `not-found` or `invalid-value`. */
export async function readStrings(path: string): Promise<string[]> {
  return (await readJsonLines('--jsonl', path)).map(({ value, where }) => {
    if (typeof value === 'string') return value
    throw new TesseraError(
      'invalid-value',
      `${where} must be one JSON string, but is ${JSON.stringify(value).slice(0, 40)}`,
    )
  })
}
