import { TesseraError } from '@tessera-llm/tensor'
import { createLongestFirstSplitter, type Splitter } from './special/splitter.ts'

/** Kinds of tokens, numbered as in GGUF files. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** Tokens with their kinds. */
export interface Vocabulary {
  readonly tokens: readonly string[]
  idOf(token: string): number | undefined
  typeOf(id: number): number
  /** True for what has no text of its own: control tokens and the one for unknown text. */
  isControl(id: number): boolean
  isUserDefined(id: number): boolean
  /** The token as it is spelled; throws `invalid-value` for an id outside the vocabulary. */
  textOf(id: number): string
}

/** Throws `invalid-file` when the two lists do not belong together. */
export function createVocabulary(tokens: readonly string[], types: readonly number[]): Vocabulary {
  if (tokens.length === 0) throw new TesseraError('invalid-file', 'tokenizer: the list of tokens is empty; the file holds no vocabulary')
  if (types.length !== tokens.length) throw new TesseraError('invalid-file', `tokenizer: ${types.length} token types for ${tokens.length} tokens; the two lists must be equally long`)
  const ids = new Map<string, number>()
  // Of two equal tokens the first counts, as in ggml.
  for (let id = tokens.length - 1; id >= 0; id--) ids.set(tokens[id] as string, id)
  return {
    tokens,
    idOf: (token) => ids.get(token),
    typeOf: (id) => types[id] ?? tokenTypes.unused,
    isControl: (id) => types[id] === tokenTypes.control || types[id] === tokenTypes.unknown,
    isUserDefined: (id) => types[id] === tokenTypes.userDefined,
    textOf(id) {
      const token = tokens[id]
      if (token === undefined) throw new TesseraError('invalid-value', `tokenizer: the id ${id} is not in the vocabulary (0 … ${tokens.length - 1}); the ids belong to another tokenizer`)
      return token
    },
  }
}

/** Splits at user-defined tokens and, with `parseSpecial`, at control tokens too. */
export function createSpecialSplitter(vocabulary: Vocabulary): (text: string, parseSpecial: boolean) => (string | number)[] {
  const whole = (also: (id: number) => boolean): Splitter => createLongestFirstSplitter(vocabulary.tokens.flatMap((text, id) => (vocabulary.isUserDefined(id) || also(id) ? [{ id, text }] : [])))
  // Made when a text comes: a model can be ready before.
  let always: Splitter | undefined
  let special: Splitter | undefined
  return (text, parseSpecial) => (parseSpecial ? (special ??= whole(vocabulary.isControl)) : (always ??= whole(() => false)))(text)
}
