import type { Fields } from '../../src/config/index.ts'

/** A tokenizer.json with the vocabulary of a GGUF file, in the form that the model's authors publish. */
export function tokenizerJson(metadata: Fields): Fields {
  const tokens = metadata['tokenizer.ggml.tokens'] as string[]
  const types = metadata['tokenizer.ggml.token_type'] as number[]
  const added = tokens.flatMap((content, id) =>
    types[id] === 3 || types[id] === 4 ? [{ id, content, special: types[id] === 3, normalized: false }] : [],
  )
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  return metadata['tokenizer.ggml.model'] === 'gpt2'
    ? smollm(vocab, added, metadata['tokenizer.ggml.merges'])
    : gemma(vocab, added, tokens, types, metadata['tokenizer.ggml.scores'] as number[])
}

function smollm(vocab: Fields, added: readonly object[], merges: unknown): Fields {
  return {
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', byte_fallback: false, vocab, merges },
  }
}

/** The file has no merges: every split of a token into two tokens is one, in the order of the scores. */
function gemma(
  vocab: Fields,
  added: readonly object[],
  tokens: readonly string[],
  types: readonly number[],
  scores: readonly number[],
): Fields {
  const merges: { pair: [string, string]; score: number; order: number }[] = []
  for (const [id, token] of tokens.entries()) {
    if (types[id] !== 1) continue
    const chars = Array.from(token)
    for (let cut = 1; cut < chars.length; cut++) {
      const pair: [string, string] = [chars.slice(0, cut).join(''), chars.slice(cut).join('')]
      if (pair.every((part) => Object.hasOwn(vocab, part)))
        merges.push({ pair, score: scores[id] as number, order: merges.length })
    }
  }
  merges.sort((a, b) => b.score - a.score || a.order - b.order)
  return {
    added_tokens: added,
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<bos>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      special_tokens: { '<bos>': { id: '<bos>', ids: [2], tokens: ['<bos>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges: merges.map(({ pair }) => pair),
    },
  }
}
