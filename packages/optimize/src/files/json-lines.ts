import { TesseraError } from '@tessera-llm/tensor'
import { readText } from './read-text.ts'

/** A value of a file of one JSON value a line. */
export interface JsonLine {
  readonly value: unknown
  /** File and line, as the beginning of a message. */
  readonly where: string
}

/**
 * Reads a file of one JSON value a line and skips empty lines. Only LF ends a line: U+2028 may occur in a JSON string.
 * `what` begins the message of an error.
 *
 * @throws TesseraError `not-found`, or `invalid-value` with the line that is no JSON
 */
export async function readJsonLines(what: string, path: string): Promise<readonly JsonLine[]> {
  const content = await readText(what, path)
  return content.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const where = `${what}: ${path}:${index + 1}`
    try {
      return [{ value: JSON.parse(line) as unknown, where }]
    } catch (cause) {
      throw new TesseraError('invalid-value', `${where} is not JSON: ${line.slice(0, 40)}`, { cause })
    }
  })
}
