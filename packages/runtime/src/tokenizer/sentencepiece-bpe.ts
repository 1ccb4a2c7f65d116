import { TesseraError } from '@tessera-llm/tensor'
import { assembleTokenizer } from './assemble.ts'
import { byteToken } from './byte-token.ts'
import { wellFormed } from './bytes.ts'
import { mergePairs } from './merge.ts'
import { rememberPieces } from './piece-cache.ts'
import { spaceMark } from './space-mark.ts'
import type { Tokenizer } from './tokenizer.ts'
import { createSpecialSplitter, tokenTypes, type Vocabulary } from './vocabulary.ts'
import { createWordSplitter } from './word-splitter.ts'

export interface SentencePieceBpeOptions {
  readonly vocabulary: Vocabulary
  /** Score of each token; of two possible merges, the one whose result has the higher score comes first. */
  readonly scores: readonly number[]
  /** Adds a space before the text at the beginning of the input, as in Llama 2's training; decoding removes it. */
  readonly addSpacePrefix: boolean
  readonly bosId: number | undefined
  readonly eosIds: readonly number[]
  readonly unknownId: number | undefined
  readonly addBos: boolean
  readonly addEos: boolean
}

const encoder = new TextEncoder()

/**
 * Byte-pair encoding of SentencePiece (Kudo & Richardson 2018; Llama 2, Gemma, Mistral): merges characters by the score
 * of the result, over the whole text. Characters outside the vocabulary become bytes `<0xXX>`.
 *
 * @throws TesseraError `invalid-file` if the vocabulary has neither bytes nor an unknown token
 */
export function createSentencePieceBpe(options: SentencePieceBpeOptions): Tokenizer {
  const { vocabulary, scores, addSpacePrefix, bosId, eosIds, unknownId, addBos, addEos } = options
  if (scores.length !== vocabulary.size)
    throw new TesseraError(
      'invalid-file',
      `tokenizer: ${scores.length} scores for ${vocabulary.size} tokens; the two lists must be equally long`,
    )
  const byteIds = Array.from({ length: 256 }, (_, byte) => vocabulary.idOf(byteToken(byte)))
  const missing = byteIds.indexOf(undefined)
  if (missing >= 0 && unknownId === undefined) {
    throw new TesseraError(
      'invalid-file',
      `tokenizer: the vocabulary has no token ${byteToken(missing)} and names no token for unknown text; it cannot spell every text`,
      {
        details: { field: 'tokenizer.ggml.tokens' },
      },
    )
  }
  const byteOfId = new Map(
    byteIds.flatMap((id, byte) =>
      id !== undefined && vocabulary.typeOf(id) === tokenTypes.byte ? [[id, byte] as const] : [],
    ),
  )
  const splitWords = createWordSplitter(vocabulary)

  const rankOf = (left: string, right: string): number | undefined => {
    const id = vocabulary.idOf(left + right)
    // Text never spells a control token, whatever the vocabulary says: only `parseSpecial` reads those.
    return id === undefined || vocabulary.isControl(id) ? undefined : -(scores[id] as number)
  }
  const spell = (symbol: string): readonly number[] => {
    const id = vocabulary.idOf(symbol)
    if (id !== undefined && !vocabulary.isControl(id)) return [id]
    const bytes = Array.from(encoder.encode(symbol), (byte) => byteIds[byte])
    return bytes.every((byteId) => byteId !== undefined) ? bytes : [unknownId as number]
  }
  const encodePiece = rememberPieces((piece) => mergePairs(Array.from(piece), rankOf).flatMap(spell))
  const textOf = (id: number): string => {
    const token = vocabulary.textOf(id)
    if (vocabulary.typeOf(id) === tokenTypes.normal) return token.replaceAll(spaceMark, ' ')
    return vocabulary.typeOf(id) === tokenTypes.unused ? '' : token
  }

  return assembleTokenizer({
    vocabulary,
    bosId,
    eosIds,
    prefix: addBos && bosId !== undefined ? [bosId] : [],
    suffix: addEos && eosIds[0] !== undefined ? [eosIds[0]] : [],
    split: createSpecialSplitter(vocabulary),
    // Text between two whole tokens always follows a token or starts the input.
    encodeText: (text) =>
      splitWords(wellFormed(addSpacePrefix ? ` ${text}` : text).replaceAll(' ', spaceMark)).map(encodePiece),
    spell(id) {
      const byte = byteOfId.get(id)
      return byte === undefined ? encoder.encode(textOf(id)) : Uint8Array.of(byte)
    },
    finish: (text) => (addSpacePrefix && text.startsWith(' ') ? text.slice(1) : text),
  })
}
