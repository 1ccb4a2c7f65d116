import type { Tokenizer } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'

export interface NoTokenizerOptions {
  /** What is missing: `the folder has no tokenizer.json`. */
  readonly missing: string
  readonly vocabSize: number
  readonly eosIds: readonly number[]
}

/**
 * Stands in where a model came without a tokenizer: it computes with token ids all the same. Tokens have no text; texts, which cannot be
 * turned into ids, throw `not-found`.
 */
export function noTokenizer({ missing, vocabSize, eosIds }: NoTokenizerOptions): Tokenizer {
  return {
    vocabSize,
    bosId: undefined,
    eosIds,
    addBos: false,
    encode() {
      throw new TesseraError('not-found', `tokenizer: ${missing}, so no text can be read; add it, or give token ids`)
    },
    decode: () => '',
    tokenBytes: () => new Uint8Array(0),
    isSpecial: () => false,
    idOf: () => undefined,
    tokenOf: (id) => `<${id}>`,
  }
}
