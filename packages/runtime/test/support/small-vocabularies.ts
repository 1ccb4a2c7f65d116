import type { Fields } from '../../src/config/index.ts'
import { byteAlphabet } from '../../src/tokenizer/byte-level.ts'
import { byteToken } from '../../src/tokenizer/byte-token.ts'

const words = ['th', 'the', 'Ġt', 'Ġthe', 'in', 'ing', 'aa', 'aaaa']
const merges = ['t h', 'th e', 'Ġ t', 'Ġt he', 'i n', 'in g', 'a a', 'aa aa', 'h e', 'Ġ the']

/**
 * Metadata of a GGUF file with a byte-level BPE of all 256 bytes, a few words, one control and one user-defined token.
 */
export function byteBpeMetadata(change: Fields = {}): Fields {
  const tokens = [...byteAlphabet, ...words, 'he', '<|end|>', '<tool>']
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': tokens.map((token) => (token === '<|end|>' ? 3 : token === '<tool>' ? 4 : 1)),
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.eos_token_id': tokens.indexOf('<|end|>'),
    ...change,
  }
}

/** Metadata of a GGUF file with a SentencePiece-style BPE like Llama 2's. */
export function sentencePieceMetadata(change: Fields = {}): Fields {
  const pieces = ['\u2581', 'a', 'b', 't', 'h', 'e', '\u2581t', 'he', '\u2581the', 'th', 'ab', '\u2581\u2581']
  const tokens = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, byte) => byteToken(byte)), ...pieces]
  return {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.scores': tokens.map((_, id) => (id < 259 ? 0 : 259 - id)),
    'tokenizer.ggml.token_type': tokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)),
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.ggml.unknown_token_id': 0,
    ...change,
  }
}

/** A tokenizer.json with the same byte-level BPE. */
export function byteBpeJson(change: { readonly model?: Fields; readonly root?: Fields } = {}): Fields {
  const metadata = byteBpeMetadata()
  const tokens = metadata['tokenizer.ggml.tokens'] as string[]
  return {
    added_tokens: [
      { id: tokens.indexOf('<|end|>'), content: '<|end|>', special: true },
      { id: tokens.indexOf('<tool>'), content: '<tool>', special: false },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(tokens.slice(0, -2).map((token, id) => [token, id])),
      merges,
      ...change.model,
    },
    ...change.root,
  }
}
