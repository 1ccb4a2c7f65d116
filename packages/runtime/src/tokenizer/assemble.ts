import { concatBytes, textOfBytes } from './bytes.ts'
import type { Tokenizer } from './tokenizer.ts'
import { isIdOf, type Vocabulary } from './vocabulary.ts'

/** The parts in which kinds of tokenizers differ. */
export interface TokenizerParts {
  readonly vocabulary: Vocabulary
  readonly bosId: number | undefined
  readonly eosIds: readonly number[]
  /** Ids before a text if special tokens are added. */
  readonly prefix: readonly number[]
  readonly suffix: readonly number[]
  /** Splits a text at tokens that are matched whole. */
  split(text: string, parseSpecial: boolean): readonly (string | number)[]
  /** Ids of text between whole tokens; `isFirst` if it starts the input. */
  encodeText(text: string, isFirst: boolean): readonly (readonly number[])[]
  /** Bytes of a token; `isFirst` if it starts the decoded list. */
  spell(id: number, isFirst: boolean): Uint8Array
  /** Corrects the whole decoded text. */
  finish?(text: string): string
}

/** Composes a tokenizer from its parts. */
export function assembleTokenizer(parts: TokenizerParts): Tokenizer {
  const { vocabulary, bosId, eosIds, prefix, suffix } = parts
  return {
    vocabSize: vocabulary.size,
    bosId,
    eosIds,
    addBos: bosId !== undefined && prefix.includes(bosId),
    encode(text, { addSpecial = true, parseSpecial = false } = {}) {
      const ids: number[] = addSpecial ? [...prefix] : []
      for (const [index, part] of parts.split(text, parseSpecial).entries()) {
        if (typeof part === 'number') ids.push(part)
        // Pushed one by one, because spreading a long list overflows the stack.
        else for (const piece of parts.encodeText(part, index === 0)) for (const id of piece) ids.push(id)
      }
      if (addSpecial) for (const id of suffix) ids.push(id)
      return ids
    },
    decode(ids, { skipSpecial = false } = {}) {
      const shown = skipSpecial ? ids.filter((id) => !vocabulary.isControl(id)) : ids
      const text = textOfBytes(concatBytes(shown.map((id, index) => parts.spell(id, index === 0))))
      return parts.finish ? parts.finish(text) : text
    },
    tokenBytes: (id) => parts.spell(id, false),
    isSpecial: vocabulary.isControl,
    idOf: vocabulary.idOf,
    tokenOf: (id) => (isIdOf(vocabulary.size, id) ? vocabulary.textOf(id) : ''),
  }
}
