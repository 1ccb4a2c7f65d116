import type { Tokenizer } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'

export interface NoTokenizerOptions {
  /** The missing file, for messages: `the folder has no tokenizer.json`. */
  readonly missing: string
  readonly vocabSize: number
  readonly eosIds: readonly number[]
}

/**
 * Stand-in for the tokenizer of a model that has none and computes with token ids. Tokens decode to no text; encoding
 * text throws `not-found`.
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
