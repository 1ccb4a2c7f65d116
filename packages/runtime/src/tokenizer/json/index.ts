import { TesseraError } from '@tessera-llm/tensor'
import { type Fields, readFields } from '../../config/index.ts'
import { assembleTokenizer } from '../assemble.ts'
import { endIdsOf } from '../end-tokens.ts'
import type { Tokenizer } from '../tokenizer.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { type AddedToken, createAddedTokenSplitter, readAddedTokens } from './added-tokens.ts'
import { type PieceEncoder, readBpe } from './bpe.ts'
import { readDecoder } from './decoder.ts'
import { type Normalizer, readNormalizer } from './normalizer.ts'
import { type Frame, readFrame } from './post-processor.ts'
import { readPreTokenizer } from './pre-tokenizer.ts'
import { type Part, readPart, refuse, unsupported } from './read.ts'
import { readVocabulary } from './vocabulary.ts'
import { readWordPiece } from './word-piece.ts'

/**
 * Creates the tokenizer of a Hugging Face folder: `json` is its parsed tokenizer.json, `configJson` its
 * tokenizer_config.json (BOS and EOS). Supports BPE (byte-level and SentencePiece-style) and WordPiece; truncation and
 * padding in the file are ignored.
 *
 * @throws TesseraError `unsupported` for other models and steps, and `invalid-file` with the place in `details.field`
 */
export function createTokenizerFromJson(json: Fields, configJson: Fields = {}): Tokenizer {
  const model = readPart(json.model, 'model') ?? refuse('model', 'is missing; this is no tokenizer.json')
  const added = readAddedTokens(json.added_tokens)
  const vocabulary = readVocabulary(model, added)
  const encodePiece = readModel(model, vocabulary)
  const normalize = readNormalizer(json.normalizer)
  const preTokenize = readPreTokenizer(json.pre_tokenizer)
  const special = readSpecial(configJson, vocabulary)
  return assembleTokenizer({
    vocabulary,
    bosId: special.bosId,
    eosIds: special.eosIds,
    ...special.frame(readFrame(json.post_processor, vocabulary)),
    split: createSplitter(added, normalize),
    encodeText: (text, isFirst) => preTokenize(text, isFirst).map(encodePiece),
    ...readDecoder(json.decoder, vocabulary),
  })
}

function readModel(model: Part, vocabulary: Vocabulary): PieceEncoder {
  // Old files do not name the model's type; merges identify BPE.
  const type = model.type === '' && 'merges' in model.raw ? 'BPE' : model.type
  switch (type) {
    case 'BPE':
      return readBpe(model, vocabulary)
    case 'WordPiece':
      return readWordPiece(model, vocabulary)
    default:
      return unsupported('model.type', `is "${type}"; supported are BPE and WordPiece`)
  }
}

/**
 * Splits at added tokens of the raw text first, then at those of the normalized text; the text between is returned
 * normalized.
 */
function createSplitter(
  added: readonly AddedToken[],
  normalize: Normalizer,
): (text: string, parseSpecial: boolean) => (string | number)[] {
  const make = (tokens: readonly AddedToken[]): ((text: string) => (string | number)[]) => {
    const raw = createAddedTokenSplitter(tokens.filter(({ isNormalized }) => !isNormalized))
    const normalized = createAddedTokenSplitter(
      tokens
        .filter(({ isNormalized }) => isNormalized)
        .map((token) => ({ ...token, content: normalize(token.content) })),
    )
    return (text) => raw(text).flatMap((part) => (typeof part === 'number' ? [part] : normalized(normalize(part))))
  }
  const always = make(added.filter(({ isSpecial }) => !isSpecial))
  const special = make(added)
  return (text, parseSpecial) => (parseSpecial ? special : always)(text)
}

interface SpecialTokens {
  readonly bosId: number | undefined
  readonly eosIds: readonly number[]
  /** Adds or removes BOS and EOS as the configuration requires. */
  frame(frame: Frame): Frame
}

function readSpecial(configJson: Fields, vocabulary: Vocabulary): SpecialTokens {
  const config = readFields(configJson, 'tokenizer_config.json')
  const token = (name: string): number | undefined => {
    const value = configJson[name]
    if (value === undefined || value === null) return undefined
    const content =
      typeof value === 'string'
        ? value
        : readFields(config.record(name) ?? {}, `tokenizer_config.json, ${name}`).string('content')
    const id = vocabulary.idOf(content)
    if (id === undefined)
      throw new TesseraError(
        'invalid-file',
        `tokenizer_config.json: ${name} is ${JSON.stringify(content)}, which is not in the vocabulary of tokenizer.json; the files belong to different models`,
        {
          details: { field: name },
        },
      )
    return id
  }
  const bosId = token('bos_token')
  const eosId = token('eos_token')
  const ends = [eosId, ...endIdsOf(vocabulary.idOf).filter(vocabulary.isControl)]
  const wanted = (
    name: string,
    id: number | undefined,
    ids: readonly number[],
    add: (id: number) => readonly number[],
  ): readonly number[] => {
    if (id === undefined || !config.has(name) || config.boolean(name, false) === ids.includes(id)) return ids
    return config.boolean(name, false) ? add(id) : ids.filter((other) => other !== id)
  }
  return {
    bosId,
    eosIds: [...new Set(ends.filter((id) => id !== undefined))],
    frame: ({ prefix, suffix }) => ({
      prefix: wanted('add_bos_token', bosId, prefix, (id) => [id, ...prefix]),
      suffix: wanted('add_eos_token', eosId, suffix, (id) => [...suffix, id]),
    }),
  }
}
