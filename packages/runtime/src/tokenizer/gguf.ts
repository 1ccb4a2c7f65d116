import { stringAt, type StringTable, stringTableOf, tableOfStrings } from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import { type Fields, type FieldReader, readFields } from '../config/index.ts'
import { createByteBpe } from './byte-bpe.ts'
import { endIdsOf, endTokens } from './end-tokens.ts'
import { mergesField, readRanks } from './gguf-merges.ts'
import { wordPieceJson } from './gguf-word-piece.ts'
import { createTokenizerFromJson } from './json/index.ts'
import { ggufPreTokenizer } from './pre-tokenizer.ts'
import { createSentencePieceBpe } from './sentencepiece-bpe.ts'
import { createStringIndex, type StringIndex } from './string-index.ts'
import type { Tokenizer } from './tokenizer.ts'
import { createIndexedVocabulary, tokenTypes, type Vocabulary } from './vocabulary.ts'

/** Numbers of token kinds in GGUF files. */
const knownTypes: ReadonlySet<number> = new Set([0, ...Object.values(tokenTypes)])

/**
 * Creates the tokenizer of a GGUF file's metadata (`tokenizer.ggml.*`): byte-level BPE (`gpt2`), SentencePiece-style
 * BPE (`llama`) or WordPiece (`bert`).
 *
 * @throws TesseraError `unsupported` for another kind, and `invalid-file` with the field in `details.field` for values
 *   that make no tokenizer
 */
export function createTokenizerFromGguf(metadata: Fields): Tokenizer {
  const fields = readFields(metadata, 'GGUF metadata')
  const model = fields.string('tokenizer.ggml.model')
  if (model === 'bert') {
    const tokens = readTokens(metadata)
    return createTokenizerFromJson(
      wordPieceJson(
        metadata,
        Array.from(tokens.starts, (_, id) => stringAt(tokens, id)),
        readTypes(metadata, tokens),
      ),
    )
  }
  const { index, vocabulary, ends } = readVocabulary(metadata)
  switch (model) {
    case 'gpt2': {
      const { preTokenize, ignoreMerges, addBos } = ggufPreTokenizer(fields.string('tokenizer.ggml.pre', 'default'))
      return createByteBpe({
        vocabulary,
        rankOf: readRanks(strings(metadata, mergesField), index, vocabulary.isControl),
        preTokenize,
        ignoreMerges,
        bosId: tokenId(fields, vocabulary, 'bos'),
        eosIds: endIds(fields, vocabulary, ends),
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
        eosIds: endIds(fields, vocabulary, ends),
        unknownId: tokenId(fields, vocabulary, 'unknown'),
        addBos: fields.boolean('tokenizer.ggml.add_bos_token', true),
        addEos: fields.boolean('tokenizer.ggml.add_eos_token', false),
      })
    default:
      throw new TesseraError(
        'unsupported',
        `tokenizer: the GGUF tokenizer model "${model}" is not supported; supported are gpt2 (byte-level BPE), llama (SentencePiece-style BPE) and bert (WordPiece)`,
        {
          details: { field: 'tokenizer.ggml.model' },
        },
      )
  }
}

interface ReadVocabulary {
  readonly index: StringIndex
  readonly vocabulary: Vocabulary
  /** End tokens of the vocabulary, with their ids. */
  readonly ends: ReadonlyMap<string, number>
}

function readVocabulary(metadata: Fields): ReadVocabulary {
  const tokens = readTokens(metadata)
  const types = readTypes(metadata, tokens)
  const ends = findEndTokens(tokens)
  // Some files list end tokens under other kinds, so that text could spell them; llama.cpp makes them control tokens
  // too.
  for (const id of ends.values()) types[id] = tokenTypes.control
  const index = createStringIndex(tokens)
  return { index, vocabulary: createIndexedVocabulary(index, types), ends }
}

function readTokens(metadata: Fields): StringTable {
  const tokens = strings(metadata, 'tokenizer.ggml.tokens')
  return tokens.length > 0 ? tokens : refuse('tokenizer.ggml.tokens', 'is empty; the file holds no vocabulary')
}

function readTypes(metadata: Fields, tokens: StringTable): number[] {
  const field = 'tokenizer.ggml.token_type'
  const types =
    field in metadata
      ? [...list(metadata, field, isNumber, 'numbers')]
      : Array.from(tokens.starts, () => tokenTypes.normal)
  if (types.length !== tokens.length) refuse(field, `has ${types.length} entries for ${tokens.length} tokens`)
  const odd = types.findIndex((type) => !knownTypes.has(type))
  return odd < 0 ? types : refuse(field, `has the kind ${types[odd]} for token ${odd}; kinds are 0 … 6`)
}

/** The first token with each spelling. One pass, because loading should not wait for an index of all tokens. */
function findEndTokens(tokens: StringTable): ReadonlyMap<string, number> {
  const spellings = new Set(endTokens)
  const firstBytes = new Set(endTokens.map((token) => token.charCodeAt(0)))
  const found = new Map<string, number>()
  for (let id = 0; id < tokens.length; id++) {
    if (!firstBytes.has(tokens.bytes[tokens.starts[id] as number] ?? 0)) continue
    const token = stringAt(tokens, id)
    if (spellings.has(token) && !found.has(token)) found.set(token, id)
  }
  return found
}

function readScores(metadata: Fields, vocabulary: Vocabulary): readonly number[] {
  const field = 'tokenizer.ggml.scores'
  const scores = list(metadata, field, isNumber, 'numbers')
  if (scores.length !== vocabulary.size) refuse(field, `has ${scores.length} entries for ${vocabulary.size} tokens`)
  const odd = scores.findIndex((score) => Number.isNaN(score))
  if (odd >= 0) refuse(field, `is not a number for token ${odd}`)
  return scores
}

function tokenId(fields: FieldReader, vocabulary: Vocabulary, name: string): number | undefined {
  const field = `tokenizer.ggml.${name}_token_id`
  if (!fields.has(field)) return undefined
  const id = fields.integer(field)
  if (id >= vocabulary.size) refuse(field, `is ${id}, but the vocabulary has ${vocabulary.size} tokens`)
  return id
}

function endIds(fields: FieldReader, vocabulary: Vocabulary, ends: ReadonlyMap<string, number>): number[] {
  const ids = [
    tokenId(fields, vocabulary, 'eos'),
    tokenId(fields, vocabulary, 'eot'),
    tokenId(fields, vocabulary, 'eom'),
    ...endIdsOf((token) => ends.get(token)),
  ]
  return [...new Set(ids.filter((id) => id !== undefined))]
}

/** A list of strings as a table of bytes; for metadata of a file, the file's own bytes. */
function strings(metadata: Fields, field: string): StringTable {
  return stringTableOf(metadata, field) ?? tableOfStrings(list(metadata, field, isString, 'strings'))
}

function list<T>(metadata: Fields, field: string, is: (value: unknown) => value is T, what: string): readonly T[] {
  const value = metadata[field]
  if (value === undefined || value === null) return refuse(field, 'is missing; the file holds no complete tokenizer')
  if (!Array.isArray(value)) return refuse(field, `must be a list of ${what}, but is ${typeof value}`)
  const odd = value.findIndex((item) => !is(item))
  return odd < 0
    ? value
    : refuse(field, `must be a list of ${what}, but entry ${odd} is ${JSON.stringify(value[odd]) ?? typeof value[odd]}`)
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
