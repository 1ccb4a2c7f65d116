export { createTokenizerFromGguf } from './gguf.ts'
export { wordPieceJson } from './gguf-word-piece.ts'
export { createTokenizerFromJson } from './json/index.ts'
export type { DecodeOptions, EncodeOptions, Tokenizer } from './tokenizer.ts'
