import { assembleTokenizer } from './assemble.ts'
import { fromByteAlphabet, toByteAlphabet } from './byte-level.ts'
import { mergePairs, type RankOf } from './merge.ts'
import { rememberPieces } from './piece-cache.ts'
import type { PreTokenizer } from './pre-tokenizer.ts'
import type { Tokenizer } from './tokenizer.ts'
import { createSpecialSplitter, type Vocabulary } from './vocabulary.ts'

export interface ByteBpeOptions {
  readonly vocabulary: Vocabulary
  /** Rank of a merge. Its result is in the vocabulary and no control token: only `parseSpecial` reads those. */
  readonly rankOf: RankOf
  readonly preTokenize: PreTokenizer
  /** Encodes a piece that is a token as that token, without merging (Llama 3). */
  readonly ignoreMerges: boolean
  readonly bosId: number | undefined
  readonly eosIds: readonly number[]
  readonly addBos: boolean
  readonly addEos: boolean
}

const encoder = new TextEncoder()

/**
 * Byte-level BPE of GPT-2, Llama 3, Qwen and SmolLM. A byte without a token (SmolLM2 lacks some control characters) is
 * dropped, as in llama.cpp and Hugging Face.
 */
export function createByteBpe(options: ByteBpeOptions): Tokenizer {
  const { vocabulary, rankOf, preTokenize, ignoreMerges, bosId, eosIds, addBos, addEos } = options
  const bytesOf: (Uint8Array | undefined)[] = []

  const encodePiece = rememberPieces((piece) => {
    const spelled = toByteAlphabet(piece)
    const whole = ignoreMerges ? vocabulary.idOf(spelled) : undefined
    if (whole !== undefined && !vocabulary.isControl(whole)) return [whole]
    return mergePairs(Array.from(spelled), rankOf).flatMap((token) => vocabulary.idOf(token) ?? [])
  })
  const spell = (id: number): Uint8Array => {
    const token = vocabulary.textOf(id)
    const whole = vocabulary.isControl(id) || vocabulary.isUserDefined(id)
    return (bytesOf[id] ??= whole ? encoder.encode(token) : fromByteAlphabet(token))
  }

  return assembleTokenizer({
    vocabulary,
    bosId,
    eosIds,
    prefix: addBos && bosId !== undefined ? [bosId] : [],
    suffix: addEos && eosIds[0] !== undefined ? [eosIds[0]] : [],
    split: createSpecialSplitter(vocabulary),
    encodeText: (text) => preTokenize(text).map(encodePiece),
    spell,
  })
}
