export interface EncodeOptions {
  /** Puts the model's BOS (and what else its template adds) around the text. Default true. */
  readonly addSpecial?: boolean | undefined
  /** Reads special tokens in the text as tokens instead of as text. Default false. */
  readonly parseSpecial?: boolean | undefined
}

export interface DecodeOptions {
  /** Leaves control tokens out. Default false. */
  readonly skipSpecial?: boolean | undefined
}

/** Turns text into token ids and back. */
export interface Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | undefined
  /** Tokens that end a generation. */
  readonly eosIds: readonly number[]
  readonly addBos: boolean
  /** Lone surrogates are read as U+FFFD. */
  encode(text: string, options?: EncodeOptions): number[]
  decode(ids: readonly number[], options?: DecodeOptions): string
  /** The bytes that a token stands for; they need not be whole characters. */
  tokenBytes(id: number): Uint8Array
  /** True for control tokens. */
  isSpecial(id: number): boolean
  idOf(token: string): number | undefined
  /** The token as the vocabulary spells it. */
  tokenOf(id: number): string
}
