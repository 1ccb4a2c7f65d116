import { Tokenizer as PeerTokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { goldenJson } from '../../../test/support/golden.ts'
import { byteBpeJson } from '../../../test/support/small-vocabularies.ts'
import type { Fields } from '../../config/index.ts'
import { createTokenizerFromJson } from '../index.ts'

// @huggingface/tokenizers implements the same files independently and is the oracle for every step, on any text.

const words = [
  'the',
  'thing',
  ' th',
  "don't",
  'ISN\u2019T',
  'été',
  'naïve',
  'straße',
  'İstanbul',
  'Ὀδυσσεύς',
  '東京',
  '한글',
  '🙂',
  '👩‍👩‍👧',
  '12',
  '3456',
  '...',
  '?!',
  '\n',
  '\r\n\n',
  '\t',
  '  ',
  '   ',
  '\u00a0',
  '\u3000',
  '\u2581',
  '<tool>',
  '<|end|>',
  'x_y',
  '[UNK]',
]
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...words),
      fc.string({ unit: 'grapheme-ascii', maxLength: 4 }),
      fc.string({ unit: 'grapheme-composite', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

function expectSame(json: Fields, name: string, texts: fc.Arbitrary<string> = anyText): void {
  const tokenizer = createTokenizerFromJson(json)
  const peer = new PeerTokenizer(JSON.parse(JSON.stringify(json)), {})
  it(name, () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(peer.encode(text).ids)
      }),
      { numRuns: 400 },
    )
  })
}

describe('the same ids as @huggingface/tokenizers', () => {
  const llama3 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false }
  const split = (pattern: Fields, behavior: string, invert = false): Fields => ({
    type: 'Split',
    pattern,
    behavior,
    invert,
  })
  const sequence = (...pretokenizers: Fields[]): { readonly root: Fields } => ({
    root: { pre_tokenizer: { type: 'Sequence', pretokenizers } },
  })

  expectSame(goldenJson('architectures/llama/tokenizer.json'), 'a model of the goldens')
  expectSame(byteBpeJson(), 'GPT-2')
  expectSame(
    byteBpeJson({ root: { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } } }),
    'GPT-2 with a space before',
  )
  expectSame(byteBpeJson(sequence(split({ Regex: llama3 }, 'Isolated'), byteLevel)), 'Llama 3')
  expectSame(
    byteBpeJson({ ...sequence(split({ Regex: llama3 }, 'Isolated'), byteLevel), model: { ignore_merges: true } }),
    'Llama 3 with tokens that need no merge',
  )
  // It implements the other behaviours differently from the Rust library; pre-tokenizer.test.ts tests those.
  expectSame(byteBpeJson(sequence(split({ String: ' ' }, 'Isolated'), byteLevel)), 'split at spaces')
  expectSame(byteBpeJson(sequence(split({ Regex: '[a-h]|\\s' }, 'Isolated'), byteLevel)), 'split at a pattern')
  for (const type of ['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase'])
    expectSame(byteBpeJson({ root: { normalizer: { type } } }), `normalizer ${type}`)
  expectSame(
    byteBpeJson({
      root: {
        normalizer: {
          type: 'Sequence',
          normalizers: [{ type: 'Lowercase' }, { type: 'Replace', pattern: { String: ' ' }, content: '_-' }],
        },
      },
    }),
    'normalizers in a row',
  )
  expectSame(byteBpeJson(sequence({ type: 'WhitespaceSplit' }, byteLevel)), 'words between white space')
  expectSame(byteBpeJson(sequence({ type: 'Punctuation', behavior: 'Isolated' }, byteLevel)), 'punctuation')
  expectSame(byteBpeJson(sequence({ type: 'BertPreTokenizer' }, byteLevel)), 'BERT words')
})
