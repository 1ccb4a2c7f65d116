import type { GgufValue } from '@tessera-llm/formats'
import { createTokenizerFromJson, type Fields } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { nameOfPreTokenizer } from './pre-tokenizers.ts'
import { bool, text, u32 } from './values.ts'

/** Kinds of tokens, numbered as in GGUF files. */
export const tokenKinds = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special?: boolean
}

/**
 * The keys `tokenizer.*` of a GGUF file for a tokenizer.json of byte-level BPE. Rows of the embedding beyond the
 * vocabulary become unused tokens. Throws `unsupported` for other models and for steps without a name in GGUF files.
 */
export function ggufTokenizer(
  json: Fields,
  configJson: Fields,
  modelConfig: Fields,
  vocabSize: number,
): readonly (readonly [string, GgufValue])[] {
  const refuse = (what: string): never => {
    throw new TesseraError(
      'unsupported',
      `convert: tokenizer.json ${what}; tokenizers of byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM) are converted`,
    )
  }
  // Refuses an invalid tokenizer, with the place.
  const tokenizer = createTokenizerFromJson(json, configJson)
  const model = json['model'] as Fields
  if ((model['type'] ?? 'BPE') !== 'BPE') refuse(`holds ${String(model['type'])}`)
  if (model['byte_fallback'] === true || (json['decoder'] as Fields | null)?.['type'] !== 'ByteLevel')
    refuse('is of SentencePiece')
  const vocab = model['vocab'] as Readonly<Record<string, number>>
  const added = (json['added_tokens'] ?? []) as readonly AddedToken[]
  // Vocabularies are too long for the arguments of one call.
  const size = [...Object.values(vocab), ...added.map(({ id }) => id)].reduce(
    (most, id) => Math.max(most, id + 1),
    vocabSize,
  )
  if (size > vocabSize)
    throw new TesseraError(
      'invalid-file',
      `convert: tokenizer.json has tokens up to id ${size - 1}, but config.json a vocabulary of ${vocabSize}; the files belong to different models`,
    )
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`)
  const kinds = new Array<number>(size).fill(tokenKinds.unused)
  for (const [token, id] of Object.entries(vocab)) {
    tokens[id] = token
    kinds[id] = tokenKinds.normal
  }
  for (const { id, content, special } of added) {
    tokens[id] = content
    kinds[id] = special === true || tokenizer.isSpecial(id) ? tokenKinds.control : tokenKinds.userDefined
  }
  const merges = (model['merges'] as readonly (string | readonly [string, string])[]).map((merge) =>
    typeof merge === 'string' ? merge : merge.join(' '),
  )
  const bosId = tokenizer.bosId ?? configId(modelConfig, 'bos_token_id')
  const eosId = tokenIn(configJson, 'eos_token', tokenizer.idOf) ?? configId(modelConfig, 'eos_token_id')
  const frame = tokenizer.encode('')
  const addEos = eosId !== undefined && frame.at(-1) === eosId && (frame.length > 1 || frame[0] !== bosId)
  const addBos = tokenizer.addBos || (bosId !== undefined && frame[0] === bosId)
  if (frame.length > Number(addBos) + Number(addEos))
    refuse(`puts the tokens ${frame.join(', ')} around a text, where GGUF files say BOS and EOS only`)
  const ids: readonly (readonly [string, number | undefined])[] = [
    ['bos', bosId],
    ['eos', eosId],
    ['unknown', tokenIn(configJson, 'unk_token', tokenizer.idOf)],
    ['padding', tokenIn(configJson, 'pad_token', tokenizer.idOf) ?? configId(modelConfig, 'pad_token_id')],
  ]
  const template = configJson['chat_template']
  return [
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text(nameOfPreTokenizer(json['pre_tokenizer'], json['normalizer']))],
    ['tokenizer.ggml.tokens', { type: 'array', items: 'string', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'array', items: 'i32', value: kinds }],
    ['tokenizer.ggml.merges', { type: 'array', items: 'string', value: merges }],
    ...ids.flatMap(([name, id]) => (id === undefined ? [] : [[`tokenizer.ggml.${name}_token_id`, u32(id)] as const])),
    ['tokenizer.ggml.add_bos_token', bool(addBos)],
    ...(addEos ? [['tokenizer.ggml.add_eos_token', bool(true)] as const] : []),
    ...(typeof template === 'string' ? [['tokenizer.chat_template', text(template)] as const] : []),
  ]
}

/** Id of a token that tokenizer_config.json names by a string or a record. */
export function tokenIn(
  configJson: Fields,
  name: string,
  idOf: (token: string) => number | undefined,
): number | undefined {
  const value = configJson[name]
  const content =
    typeof value === 'string'
      ? value
      : typeof value === 'object' && value !== null
        ? (value as Fields)['content']
        : undefined
  return typeof content === 'string' ? idOf(content) : undefined
}

/** An id of config.json; the first of several. */
function configId(config: Fields, name: string): number | undefined {
  const value = config[name]
  const id: unknown = Array.isArray(value) ? value[0] : value
  return typeof id === 'number' ? id : undefined
}
