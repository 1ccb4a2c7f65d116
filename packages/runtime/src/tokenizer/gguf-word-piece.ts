import { TesseraError } from '@tessera-llm/tensor'
import { type Fields, readFields } from '../config/index.ts'
import { spaceMark } from './space-mark.ts'
import { tokenTypes } from './vocabulary.ts'

/** Prefix of a continuation in `tokenizer.json`; GGUF files mark tokens that start a word instead. */
const continuation = '##'

/**
 * BERT's special tokens: the keys of their ids in GGUF files (the second spelling is ggml's), and their spelling in
 * vocabularies.
 */
const special = {
  begin: [['cls_token_id', 'bos_token_id'], '[CLS]'],
  end: [['seperator_token_id', 'separator_token_id', 'eos_token_id'], '[SEP]'],
  unknown: [['unknown_token_id'], '[UNK]'],
  padding: [['padding_token_id'], '[PAD]'],
  mask: [['mask_token_id'], '[MASK]'],
} as const

/**
 * Converts the metadata of a WordPiece tokenizer (`bert`) in a GGUF file to a `tokenizer.json`. No key states whether
 * letters are lower-cased and accents removed: they are, unless a token contains a letter that this would change and
 * that no text could match otherwise.
 *
 * @throws TesseraError `invalid-file` with the field in `details.field`
 */
export function wordPieceJson(metadata: Fields, tokens: readonly string[], types: readonly number[]): Fields {
  const fields = readFields(metadata, 'GGUF metadata')
  const idOf = (task: keyof typeof special): number => {
    const [names, spelling] = special[task]
    const field = names.map((name) => `tokenizer.ggml.${name}`).find((name) => fields.has(name))
    const id = field === undefined ? tokens.indexOf(spelling) : fields.integer(field)
    if (tokens[id] !== undefined) return id
    const place = field ?? `tokenizer.ggml.${names[0]}`
    throw new TesseraError(
      'invalid-file',
      `GGUF metadata: ${place} ${field === undefined ? `is missing, and no token is ${spelling}` : `is ${id}, but the vocabulary has ${tokens.length} tokens`}`,
      { details: { field: place } },
    )
  }
  const [begin, end, unknown] = [idOf('begin'), idOf('end'), idOf('unknown')]
  const optional = (['padding', 'mask'] as const).flatMap((task) =>
    special[task][0].some((name) => fields.has(`tokenizer.ggml.${name}`)) || tokens.includes(special[task][1])
      ? [idOf(task)]
      : [],
  )
  const isWhole = wholeTokens(tokens, types, [begin, end, unknown, ...optional])
  const vocab: Record<string, number> = Object.create(null) as Record<string, number>
  for (const [id, token] of tokens.entries()) {
    const spelled = isWhole(id)
      ? token
      : token.startsWith(spaceMark)
        ? token.slice(spaceMark.length)
        : continuation + token
    // The first of two equal tokens counts, as in ggml.
    vocab[spelled] ??= id
  }
  const isLower = !tokens.some((token, id) => !isWhole(id) && token.toLowerCase() !== token)
  const token = (id: number): string => tokens[id] as string
  const sequence = (id: 'A' | 'B', type_id: number): Fields => ({ Sequence: { id, type_id } })
  const framing = (id: number, type_id: number): Fields => ({ SpecialToken: { id: token(id), type_id } })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...new Set([begin, end, unknown, ...optional])]
      .sort((a, b) => a - b)
      .map((id) => ({
        id,
        content: token(id),
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: isLower,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [framing(begin, 0), sequence('A', 0), framing(end, 0)],
      pair: [framing(begin, 0), sequence('A', 0), framing(end, 0), sequence('B', 1), framing(end, 1)],
      special_tokens: Object.fromEntries(
        [begin, end].map((id) => [token(id), { id: token(id), ids: [id], tokens: [token(id)] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: continuation, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: token(unknown),
      continuing_subword_prefix: continuation,
      max_input_chars_per_word: 100,
      vocab,
    },
  }
}

/** Tokens that are matched whole: special tokens, and bracketed tokens that vocabularies reserve (`[unused1]`). */
function wholeTokens(
  tokens: readonly string[],
  types: readonly number[],
  tasks: readonly number[],
): (id: number) => boolean {
  const known = new Set(tasks)
  return (id) =>
    known.has(id) ||
    types[id] === tokenTypes.control ||
    types[id] === tokenTypes.unknown ||
    types[id] === tokenTypes.userDefined ||
    /^\[.+\]$/.test(tokens[id] ?? '')
}
