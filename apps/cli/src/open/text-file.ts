import { readText } from '@tessera-llm/optimize/node'
import { TesseraError } from '@tessera-llm/tensor'

/** A UTF-8 file that an option names. Throws `not-found`. */
export async function readTextFile(option: string, path: string): Promise<string> {
  return readText(`--${option}`, path)
}

/** A file with one JSON string a line; empty lines do not count. Only LF ends a line: U+2028 may stand in a JSON string. Throws `not-found` or `invalid-value`. */
export async function readStrings(command: string, path: string): Promise<string[]> {
  const content = await readTextFile('jsonl', path)
  return content
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseString(line, `${command}: ${path}:${index + 1}`)]))
}

function parseString(line: string, where: string): string {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'string') return value
  } catch {
    // Reported below, with the place.
  }
  throw new TesseraError('invalid-value', `${where} must be one JSON string, but is ${line.slice(0, 40)}`)
}
