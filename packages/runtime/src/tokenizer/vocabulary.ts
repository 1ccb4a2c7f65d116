import { stringAt } from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import { createLongestFirstSplitter, type Splitter } from './special/splitter.ts'
import type { StringIndex } from './string-index.ts'

/** Kinds of tokens, numbered as in GGUF files. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** Tokens with their kinds. */
export interface Vocabulary {
  /** Number of tokens; ids are below it. */
  readonly size: number
  idOf(token: string): number | undefined
  typeOf(id: number): number
  /** Whether the token has no text of its own: control tokens and the unknown token. */
  isControl(id: number): boolean
  isUserDefined(id: number): boolean
  /** Spelling of a token; throws `invalid-value` for an id outside the vocabulary. */
  textOf(id: number): string
}

/** Creates a vocabulary; throws `invalid-file` if the lists have different lengths. */
export function createVocabulary(tokens: readonly string[], types: readonly number[]): Vocabulary {
  const ids = new Map<string, number>()
  // The first of two equal tokens counts, as in ggml.
  for (let id = tokens.length - 1; id >= 0; id--) ids.set(tokens[id] as string, id)
  return makeVocabulary(
    tokens.length,
    types,
    (token) => ids.get(token),
    (id) => tokens[id] as string,
  )
}

/** The vocabulary of a file's own bytes; `types` may change afterwards. */
export function createIndexedVocabulary(index: StringIndex, types: readonly number[]): Vocabulary {
  return makeVocabulary(index.table.length, types, index.find, (id) => stringAt(index.table, id))
}

function makeVocabulary(
  size: number,
  types: readonly number[],
  idOf: Vocabulary['idOf'],
  textOf: Vocabulary['textOf'],
): Vocabulary {
  if (size === 0)
    throw new TesseraError('invalid-file', 'tokenizer: the list of tokens is empty; the file holds no vocabulary')
  if (types.length !== size)
    throw new TesseraError(
      'invalid-file',
      `tokenizer: ${types.length} token types for ${size} tokens; the two lists must be equally long`,
    )
  return {
    size,
    idOf,
    typeOf: (id) => types[id] ?? tokenTypes.unused,
    isControl: (id) => types[id] === tokenTypes.control || types[id] === tokenTypes.unknown,
    isUserDefined: (id) => types[id] === tokenTypes.userDefined,
    textOf(id) {
      if (!isIdOf(size, id))
        throw new TesseraError(
          'invalid-value',
          `tokenizer: the id ${id} is not in the vocabulary (0 … ${size - 1}); the ids belong to another tokenizer`,
        )
      return textOf(id)
    },
  }
}

export function isIdOf(size: number, id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < size
}

/** Splits at user-defined tokens and, with `parseSpecial`, at control tokens too. */
export function createSpecialSplitter(
  vocabulary: Vocabulary,
): (text: string, parseSpecial: boolean) => (string | number)[] {
  const whole = (also: (id: number) => boolean): Splitter =>
    createLongestFirstSplitter(
      idsWhere(vocabulary, (id) => vocabulary.isUserDefined(id) || also(id)).map((id) => ({
        id,
        text: vocabulary.textOf(id),
      })),
    )
  // Created on the first text, so that loading a model does not wait for it.
  let always: Splitter | undefined
  let special: Splitter | undefined
  return (text, parseSpecial) =>
    (parseSpecial ? (special ??= whole(vocabulary.isControl)) : (always ??= whole(() => false)))(text)
}

function idsWhere({ size }: Vocabulary, is: (id: number) => boolean): number[] {
  const ids: number[] = []
  for (let id = 0; id < size; id++) if (is(id)) ids.push(id)
  return ids
}
