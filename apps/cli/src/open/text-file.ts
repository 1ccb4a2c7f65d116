import { readText } from '@tessera-llm/optimize/node'
import { TesseraError } from '@tessera-llm/tensor'

/** Reads the UTF-8 file of an option. Throws `not-found`. */
export async function readTextFile(option: string, path: string): Promise<string> {
  return readText(`--${option}`, path)
}

/**
 * Reads a file of one JSON string a line, skipping empty lines. Only LF ends a line: U+2028 may occur in a JSON string.
 * Throws `not-found` or `invalid-value`.
 */
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
    // The error below names the line.
  }
  throw new TesseraError('invalid-value', `${where} must be one JSON string, but is ${line.slice(0, 40)}`)
}
