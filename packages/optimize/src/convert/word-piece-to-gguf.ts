import type { GgufValue } from '@tessera-llm/formats'
import { createTokenizerFromJson, type Fields, wordPieceJson } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { tokenIn, tokenKinds } from './tokenizer-to-gguf.ts'
import { bool, text, u32 } from './values.ts'

const spaceMark = '▁'
const continuation = '##'

/** Keys of special tokens in GGUF files, with BERT's name and spelling of each. */
const tasks: readonly (readonly [key: string, name: string, spelling: string])[] = [
  ['cls', 'cls_token', '[CLS]'],
  ['bos', 'cls_token', '[CLS]'],
  ['seperator', 'sep_token', '[SEP]'],
  ['eos', 'sep_token', '[SEP]'],
  ['unknown', 'unk_token', '[UNK]'],
  ['padding', 'pad_token', '[PAD]'],
  ['mask', 'mask_token', '[MASK]'],
]

/**
 * The keys `tokenizer.*` of a GGUF file for a tokenizer.json of WordPiece. No key holds its settings, so the result is
 * read back, and refused if that gives another tokenizer.
 *
 * @throws TesseraError `unsupported`, `invalid-file`
 */
export function ggufWordPiece(
  json: Fields,
  configJson: Fields,
  vocabSize: number,
): readonly (readonly [string, GgufValue])[] {
  const refuse = (what: string): never => {
    throw new TesseraError(
      'unsupported',
      `convert: tokenizer.json ${what}; tokenizers of WordPiece as BERT has them are converted`,
    )
  }
  // Refuses an invalid tokenizer, with the place.
  const tokenizer = createTokenizerFromJson(json, configJson)
  const model = json['model'] as Fields
  if (model['type'] !== 'WordPiece') refuse(`holds ${String(model['type'])}`)
  if ((model['continuing_subword_prefix'] ?? continuation) !== continuation)
    refuse(`continues words with ${JSON.stringify(model['continuing_subword_prefix'])}`)
  if (tokenizer.vocabSize > vocabSize)
    throw new TesseraError(
      'invalid-file',
      `convert: tokenizer.json has tokens up to id ${tokenizer.vocabSize - 1}, but config.json a vocabulary of ${vocabSize}; the files belong to different models`,
    )
  const spelled = Array.from({ length: vocabSize }, (_, id) =>
    id < tokenizer.vocabSize ? tokenizer.tokenOf(id) : `[unused of row ${id}]`,
  )
  const kinds = spelled.map((_, id) => (tokenizer.isSpecial(id) ? tokenKinds.control : tokenKinds.normal))
  const tokens = spelled.map((token, id) => {
    if (tokenizer.isSpecial(id) || /^\[.+\]$/.test(token)) return token
    return token.startsWith(continuation) ? token.slice(continuation.length) : spaceMark + token
  })
  const ids = tasks.flatMap(([key, name, spelling]) => {
    const id = tokenIn(configJson, name, tokenizer.idOf) ?? tokenizer.idOf(spelling)
    return id === undefined ? [] : [[`tokenizer.ggml.${key}_token_id`, u32(id)] as const]
  })
  const again = wordPieceJson(Object.fromEntries(ids.map(([key, { value }]) => [key, value])), tokens, kinds)
  const vocab = (again['model'] as Fields)['vocab'] as Readonly<Record<string, number>>
  const lost = spelled.findIndex((token, id) => vocab[token] !== id)
  if (lost >= 0)
    refuse(`has the token ${JSON.stringify(spelled[lost])} (${lost}), which could not be told from another`)
  const [wanted, read] = [json, again].map(settings)
  if (wanted !== read) refuse(`asks for ${wanted}, where readers of GGUF files take ${read}`)
  return [
    ['tokenizer.ggml.model', text('bert')],
    ['tokenizer.ggml.pre', text('default')],
    ['tokenizer.ggml.tokens', { type: 'array', items: 'string', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'array', items: 'i32', value: kinds }],
    ...ids,
    ['tokenizer.ggml.add_bos_token', bool(true)],
  ]
}

/** Normalization and special tokens of a tokenizer, as a string for comparison. */
function settings(json: Fields): string {
  const {
    type,
    lowercase = true,
    strip_accents,
    clean_text = true,
    handle_chinese_chars = true,
  } = (json['normalizer'] ?? {}) as Fields
  const normalizer = `${String(type)} (lowercase ${lowercase}, strip_accents ${strip_accents ?? lowercase}, clean_text ${clean_text}, handle_chinese_chars ${handle_chinese_chars})`
  const tokenizer = createTokenizerFromJson(json)
  return `the normalizer ${normalizer}, the pre-tokenizer ${String(((json['pre_tokenizer'] ?? {}) as Fields)['type'])} and the ids ${tokenizer.encode('').join(', ')} around a text`
}
