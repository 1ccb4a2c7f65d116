/** Options of `Tokenizer.encode`. */
export interface EncodeOptions {
  /** Adds the model's BOS, and other tokens of its template, around the text. Default true. */
  readonly addSpecial?: boolean | undefined
  /** Parses special tokens in the text as tokens instead of as text. Default false. */
  readonly parseSpecial?: boolean | undefined
}

/** Options of `Tokenizer.decode`. */
export interface DecodeOptions {
  /** Omits control tokens. Default false. */
  readonly skipSpecial?: boolean | undefined
}

/** Encodes text to token ids and decodes them. */
export interface Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | undefined
  /** Tokens that end a generation. */
  readonly eosIds: readonly number[]
  readonly addBos: boolean
  /** Encodes a text; lone surrogates are read as U+FFFD. */
  encode(text: string, options?: EncodeOptions): number[]
  decode(ids: readonly number[], options?: DecodeOptions): string
  /** Bytes of a token, which need not be whole characters. */
  tokenBytes(id: number): Uint8Array
  /** Whether the token is a control token. */
  isSpecial(id: number): boolean
  idOf(token: string): number | undefined
  /** Spelling of the token in the vocabulary. */
  tokenOf(id: number): string
}
