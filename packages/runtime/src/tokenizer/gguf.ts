import { TesseraError } from '@tessera-llm/tensor'
import { type Fields, type FieldReader, readFields } from '../config/index.ts'
import { createByteBpe } from './byte-bpe.ts'
import { endIdsOf, endTokens } from './end-tokens.ts'
import { ggufPreTokenizer } from './pre-tokenizer.ts'
import { createSentencePieceBpe } from './sentencepiece-bpe.ts'
import type { Tokenizer } from './tokenizer.ts'
import { createVocabulary, tokenTypes, type Vocabulary } from './vocabulary.ts'

/** The kinds of tokens that GGUF files number. */
const knownTypes: ReadonlySet<number> = new Set([0, ...Object.values(tokenTypes)])

/**
 * The tokenizer in a GGUF file's metadata (`tokenizer.ggml.*`): byte-level BPE (`gpt2`) or SentencePiece-style BPE (`llama`).
 * Throws `unsupported` for another kind, and `invalid-file` with the field in `details.field` for values that make no tokenizer.
 */
export function createTokenizerFromGguf(metadata: Fields): Tokenizer {
  const fields = readFields(metadata, 'GGUF metadata')
  const model = fields.string('tokenizer.ggml.model')
  const vocabulary = readVocabulary(metadata)
  switch (model) {
    case 'gpt2': {
      const { preTokenize, ignoreMerges, addBos } = ggufPreTokenizer(fields.string('tokenizer.ggml.pre', 'default'))
      return createByteBpe({
        vocabulary,
        ranks: readRanks(metadata, vocabulary),
        preTokenize,
        ignoreMerges,
        bosId: tokenId(fields, vocabulary, 'bos'),
        eosIds: endIds(fields, vocabulary),
        addBos: fields.boolean('tokenizer.ggml.add_bos_token', addBos),
        addEos: fields.boolean('tokenizer.ggml.add_eos_token', false),
      })
    }
    case 'llama':
      return createSentencePieceBpe({
        vocabulary,
        scores: readScores(metadata, vocabulary),
        addSpacePrefix: fields.boolean('tokenizer.ggml.add_space_prefix', true),
        bosId: tokenId(fields, vocabulary, 'bos'),
        eosIds: endIds(fields, vocabulary),
        unknownId: tokenId(fields, vocabulary, 'unknown'),
        addBos: fields.boolean('tokenizer.ggml.add_bos_token', true),
        addEos: fields.boolean('tokenizer.ggml.add_eos_token', false),
      })
    default:
      throw new TesseraError('unsupported', `tokenizer: the GGUF tokenizer model "${model}" is not supported; supported are gpt2 (byte-level BPE) and llama (SentencePiece-style BPE)`, {
        details: { field: 'tokenizer.ggml.model' },
      })
  }
}

function readVocabulary(metadata: Fields): Vocabulary {
  const tokens = list(metadata, 'tokenizer.ggml.tokens', isString, 'strings')
  if (tokens.length === 0) refuse('tokenizer.ggml.tokens', 'is empty; the file holds no vocabulary')
  const field = 'tokenizer.ggml.token_type'
  const types = field in metadata ? [...list(metadata, field, isNumber, 'numbers')] : tokens.map(() => tokenTypes.normal)
  if (types.length !== tokens.length) refuse(field, `has ${types.length} entries for ${tokens.length} tokens`)
  const odd = types.findIndex((type) => !knownTypes.has(type))
  if (odd >= 0) refuse(field, `has the kind ${types[odd]} for token ${odd}; kinds are 0 … 6`)
  const vocabulary = createVocabulary(tokens, types)
  // Files list end tokens under other kinds, so that text could spell them; llama.cpp makes them control tokens too.
  for (const end of endTokens) {
    const id = vocabulary.idOf(end)
    if (id !== undefined) types[id] = tokenTypes.control
  }
  return vocabulary
}

/**
 * The rank of each merge, but for those that make a control token: text never spells one. What a merge makes must be a token; parts that
 * are none never come up. A loop for speed: loading waits for it.
 */
function readRanks(metadata: Fields, vocabulary: Vocabulary): ReadonlyMap<string, number> {
  const field = 'tokenizer.ggml.merges'
  const merges = list(metadata, field, isString, 'strings')
  const ranks = new Map<string, number>()
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank] as string
    const space = merge.indexOf(' ')
    if (space <= 0 || space === merge.length - 1 || merge.indexOf(' ', space + 1) >= 0) refuse(field, `holds ${JSON.stringify(merge)} at ${rank}, which is no pair of tokens`)
    const made = merge.slice(0, space) + merge.slice(space + 1)
    const id = vocabulary.idOf(made) ?? refuse(field, `holds ${JSON.stringify(merge)} at ${rank}, but ${JSON.stringify(made)} is not in tokenizer.ggml.tokens`)
    if (!vocabulary.isControl(id)) ranks.set(merge, rank)
  }
  return ranks
}

function readScores(metadata: Fields, vocabulary: Vocabulary): readonly number[] {
  const field = 'tokenizer.ggml.scores'
  const scores = list(metadata, field, isNumber, 'numbers')
  if (scores.length !== vocabulary.tokens.length) refuse(field, `has ${scores.length} entries for ${vocabulary.tokens.length} tokens`)
  const odd = scores.findIndex((score) => Number.isNaN(score))
  if (odd >= 0) refuse(field, `is not a number for token ${odd}`)
  return scores
}

function tokenId(fields: FieldReader, vocabulary: Vocabulary, name: string): number | undefined {
  const field = `tokenizer.ggml.${name}_token_id`
  if (!fields.has(field)) return undefined
  const id = fields.integer(field)
  if (id >= vocabulary.tokens.length) refuse(field, `is ${id}, but the vocabulary has ${vocabulary.tokens.length} tokens`)
  return id
}

function endIds(fields: FieldReader, vocabulary: Vocabulary): number[] {
  const ids = [tokenId(fields, vocabulary, 'eos'), tokenId(fields, vocabulary, 'eot'), tokenId(fields, vocabulary, 'eom'), ...endIdsOf(vocabulary.idOf)]
  return [...new Set(ids.filter((id) => id !== undefined))]
}

function list<T>(metadata: Fields, field: string, is: (value: unknown) => value is T, what: string): readonly T[] {
  const value = metadata[field]
  if (value === undefined || value === null) return refuse(field, 'is missing; the file holds no complete tokenizer')
  if (!Array.isArray(value)) return refuse(field, `must be a list of ${what}, but is ${typeof value}`)
  const odd = value.findIndex((item) => !is(item))
  return odd < 0 ? value : refuse(field, `must be a list of ${what}, but entry ${odd} is ${JSON.stringify(value[odd]) ?? typeof value[odd]}`)
}

function refuse(field: string, what: string): never {
  throw new TesseraError('invalid-file', `GGUF metadata: ${field} ${what}`, { details: { field } })
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
