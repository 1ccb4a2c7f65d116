import { fromOniguruma } from './regex.ts'
import { type Part, refuse, unsupported } from './read.ts'

/**
 * The `pattern` of a normalizer, pre-tokenizer or decoder (`{"String": …}` or `{"Regex": …}`) as a global expression.
 */
export function readPattern(part: Part): RegExp {
  const path = `${part.path}.pattern`
  const pattern = part.fields.record('pattern') ?? refuse(path, 'is missing')
  const { String: literal, Regex: expression } = pattern
  if (typeof literal === 'string' && literal !== '')
    return new RegExp(literal.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&'), 'gu')
  if (typeof expression !== 'string' || expression === '')
    return refuse(path, 'must hold a String or a Regex that is not empty')
  try {
    return fromOniguruma(expression)
  } catch (cause) {
    return unsupported(
      path,
      `${JSON.stringify(expression)} cannot be written in JavaScript: ${cause instanceof Error ? cause.message : cause}`,
    )
  }
}
