import { createTokenizerFromGguf, type Fields } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { preTokenizerNamed } from './pre-tokenizers.ts'
import { tokenKinds } from './tokenizer-to-gguf.ts'

export interface HuggingFaceTokenizer {
  /** tokenizer.json */
  readonly tokenizer: Fields
  /** tokenizer_config.json */
  readonly tokenizerConfig: Fields
}

/**
 * Converts the tokenizer of a GGUF file's metadata to tokenizer.json and tokenizer_config.json: byte-level BPE, and
 * SentencePiece-style BPE with the merges that its scores imply.
 */
export function huggingFaceTokenizer(metadata: Fields, contextLength: number): HuggingFaceTokenizer {
  // Validates the fields that are read below.
  const read = createTokenizerFromGguf(metadata)
  const tokens = metadata['tokenizer.ggml.tokens'] as readonly string[]
  const kinds = (metadata['tokenizer.ggml.token_type'] ?? tokens.map(() => tokenKinds.normal)) as readonly number[]
  const added = tokens.flatMap((content, id) => {
    const kind = kinds[id]
    if (kind !== tokenKinds.control && kind !== tokenKinds.userDefined && kind !== tokenKinds.unknown) return []
    return [
      {
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: kind !== tokenKinds.userDefined,
      },
    ]
  })
  const spell = (name: string): string | undefined => {
    const id = metadata[`tokenizer.ggml.${name}_token_id`]
    return typeof id === 'number' ? tokens[id] : undefined
  }
  const bos = spell('bos')
  const eos = spell('eos')
  const { addBos } = read
  const addEos = metadata['tokenizer.ggml.add_eos_token'] === true
  const frame = [
    ...(addBos && bos !== undefined ? [bos] : []),
    undefined,
    ...(addEos && eos !== undefined ? [eos] : []),
  ]
  const part = (token: string | undefined): Fields =>
    token === undefined ? { Sequence: { id: 'A', type_id: 0 } } : { SpecialToken: { id: token, type_id: 0 } }
  const pair = (token: string | undefined): Fields =>
    token === undefined ? { Sequence: { id: 'B', type_id: 1 } } : { SpecialToken: { id: token, type_id: 1 } }
  const special = Object.fromEntries(
    frame.flatMap((token) =>
      token === undefined ? [] : [[token, { id: token, ids: [tokens.indexOf(token)], tokens: [token] }]],
    ),
  )
  const template = metadata['tokenizer.chat_template']
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      ...(metadata['tokenizer.ggml.model'] === 'llama'
        ? sentencePiece(metadata, tokens, kinds)
        : byteLevel(metadata, tokens, kinds)),
      post_processor:
        frame.length === 1
          ? null
          : {
              type: 'TemplateProcessing',
              single: frame.map(part),
              pair: [...frame.map(part), ...frame.map(pair)],
              special_tokens: special,
            },
    },
    tokenizerConfig: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: contextLength,
      clean_up_tokenization_spaces: false,
      add_bos_token: addBos,
      add_eos_token: addEos,
      ...named('bos_token', bos),
      ...named('eos_token', eos),
      ...named('unk_token', spell('unknown')),
      ...named('pad_token', spell('padding')),
      ...(typeof template === 'string' ? { chat_template: template } : {}),
    },
  }
}

function named(name: string, token: string | undefined): Fields {
  return token === undefined ? {} : { [name]: token }
}

/** The tokens of the model's vocabulary, without unused rows of the embedding. */
function vocabOf(tokens: readonly string[], kinds: readonly number[]): Record<string, number> {
  // The first of two equal tokens counts, as in ggml.
  const vocab: Record<string, number> = Object.create(null) as Record<string, number>
  for (const [id, token] of tokens.entries())
    if (kinds[id] !== tokenKinds.unused && !(token in vocab)) vocab[token] = id
  return vocab
}

function byteLevel(metadata: Fields, tokens: readonly string[], kinds: readonly number[]): Fields {
  const { preTokenizer, normalizer, ignoreMerges } = preTokenizerNamed(
    String(metadata['tokenizer.ggml.pre'] ?? 'default'),
  )
  const merges = (metadata['tokenizer.ggml.merges'] as readonly string[]).map((merge) => merge.split(' '))
  return {
    normalizer,
    pre_tokenizer: preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoreMerges,
      vocab: vocabOf(tokens, kinds),
      merges,
    },
  }
}

const space = '▁'

function sentencePiece(metadata: Fields, tokens: readonly string[], kinds: readonly number[]): Fields {
  const scores = metadata['tokenizer.ggml.scores'] as readonly number[]
  const unknown = metadata['tokenizer.ggml.unknown_token_id']
  const prefix = metadata['tokenizer.ggml.add_space_prefix'] !== false
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: space }
  if (typeof unknown !== 'number' || tokens[unknown] === undefined)
    throw new TesseraError(
      'unsupported',
      'convert: the SentencePiece tokenizer names no unknown token, without which tokenizer.json has no byte fallback',
    )
  return {
    normalizer: prefix ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: space }, replace] } : replace,
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokens[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: vocabOf(tokens, kinds),
      merges: mergesOf(tokens, kinds, scores),
    },
  }
}

/**
 * Merges of SentencePiece, best first: it merges the two neighbours whose result has the highest score, so every split
 * of a token into two tokens is a merge with that token's rank.
 */
function mergesOf(
  tokens: readonly string[],
  kinds: readonly number[],
  scores: readonly number[],
): readonly (readonly [string, string])[] {
  const isPiece = (id: number): boolean => kinds[id] === tokenKinds.normal || kinds[id] === tokenKinds.userDefined
  const ids = new Map(tokens.flatMap((token, id) => (isPiece(id) ? [[token, id] as const] : [])))
  const merges: {
    readonly pair: readonly [string, string]
    readonly id: number
    readonly left: number
    readonly right: number
  }[] = []
  for (const [token, id] of ids) {
    if (kinds[id] !== tokenKinds.normal) continue
    for (let cut = 1; cut < token.length; cut++) {
      const left = ids.get(token.slice(0, cut))
      const right = ids.get(token.slice(cut))
      if (left !== undefined && right !== undefined)
        merges.push({ pair: [token.slice(0, cut), token.slice(cut)], id, left, right })
    }
  }
  return merges
    .sort(
      (a, b) =>
        (scores[b.id] as number) - (scores[a.id] as number) || a.id - b.id || a.left - b.left || a.right - b.right,
    )
    .map(({ pair }) => pair)
}
