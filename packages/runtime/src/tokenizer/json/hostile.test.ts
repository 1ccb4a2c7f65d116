import { isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteBpeJson } from '../../../test/support/small-vocabularies.ts'
import type { Fields } from '../../config/index.ts'
import { createTokenizerFromJson } from '../index.ts'

function errorOf(json: Fields, config?: Fields): { readonly code: string; readonly field: unknown } {
  try {
    createTokenizerFromJson(json, config)
  } catch (error) {
    if (!isTesseraError(error)) throw error
    return { code: error.code, field: error.details.field }
  }
  throw new Error('the file was accepted')
}

const vocab = (byteBpeJson().model as { readonly vocab: Readonly<Record<string, number>> }).vocab
const split = (pattern: unknown, behavior = 'Isolated'): Fields => ({
  pre_tokenizer: { type: 'Split', pattern, behavior },
})

describe('a tokenizer.json that makes no tokenizer', () => {
  const cases: [name: string, change: Parameters<typeof byteBpeJson>[0], code: string, field: string][] = [
    ['no model', { root: { model: null } }, 'invalid-file', 'model'],
    ['a model that is a list', { root: { model: [] } }, 'invalid-file', 'model'],
    ['a Unigram model', { model: { type: 'Unigram' } }, 'unsupported', 'model.type'],
    ['no vocabulary', { model: { vocab: null } }, 'invalid-file', 'model.vocab'],
    ['an id that is a string', { model: { vocab: { ...vocab, th: '3' } } }, 'invalid-file', 'model.vocab'],
    ['a negative id', { model: { vocab: { ...vocab, th: -3 } } }, 'invalid-file', 'model.vocab'],
    ['an id of gigabytes', { model: { vocab: { ...vocab, th: 2 ** 31 } } }, 'invalid-file', 'model.vocab'],
    ['two tokens of one id', { model: { vocab: { ...vocab, th: vocab['the'] } } }, 'invalid-file', 'model.vocab'],
    ['merges that are missing', { model: { merges: undefined } }, 'invalid-file', 'model.merges'],
    ['a merge that is no pair', { model: { merges: [['t', 'h', 'e']] } }, 'invalid-file', 'model.merges[0]'],
    [
      'a merge of numbers',
      {
        model: {
          merges: [
            ['t', 'h'],
            [1, 2],
          ],
        },
      },
      'invalid-file',
      'model.merges[1]',
    ],
    ['a merge of an unknown token', { model: { merges: ['xyz e'] } }, 'invalid-file', 'model.merges[0]'],
    ['a merge with an unknown result', { model: { merges: [['h', 't']] } }, 'invalid-file', 'model.merges[0]'],
    ['an unknown token that is unknown', { model: { unk_token: '<unk>' } }, 'invalid-file', 'model.unk_token'],
    [
      'marks at the ends of words',
      { model: { end_of_word_suffix: '</w>' } },
      'unsupported',
      'model.end_of_word_suffix',
    ],
    ['merges drawn at random', { model: { dropout: 0.1 } }, 'unsupported', 'model.dropout'],
    ['added tokens that are no list', { root: { added_tokens: {} } }, 'invalid-file', 'added_tokens'],
    ['an added token without an id', { root: { added_tokens: [{ content: 'x' }] } }, 'invalid-file', 'id'],
    [
      'an added token that takes another id',
      { root: { added_tokens: [{ id: 0, content: '<x>' }] } },
      'invalid-file',
      'added_tokens[0]',
    ],
    [
      'an added token with two ids',
      { root: { added_tokens: [{ id: 900, content: 'th' }] } },
      'invalid-file',
      'added_tokens[0]',
    ],
    [
      'an added token without text',
      { root: { added_tokens: [{ id: 900, content: '' }] } },
      'invalid-file',
      'added_tokens[0]',
    ],
    ['an unknown normalizer', { root: { normalizer: { type: 'Precompiled' } } }, 'unsupported', 'normalizer'],
    [
      'an unknown pre-tokenizer in a list',
      { root: { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, { type: 'X' }] } } },
      'unsupported',
      'pre_tokenizer.pretokenizers[1]',
    ],
    ['a split without a pattern', { root: split(undefined) }, 'invalid-file', 'pre_tokenizer.pattern'],
    ['a split with an empty pattern', { root: split({ Regex: '' }) }, 'invalid-file', 'pre_tokenizer.pattern'],
    ['a pattern that does not parse', { root: split({ Regex: '(' }) }, 'unsupported', 'pre_tokenizer.pattern'],
    [
      'a pattern with a class in a class',
      { root: split({ Regex: '[a[bc]]' }) },
      'unsupported',
      'pre_tokenizer.pattern',
    ],
    ['an unknown behaviour', { root: split({ String: ' ' }, 'Keep') }, 'invalid-file', 'pre_tokenizer.behavior'],
    ['an unknown decoder', { root: { decoder: { type: 'CTC' } } }, 'unsupported', 'decoder'],
    ['an unknown post-processor', { root: { post_processor: { type: 'X' } } }, 'unsupported', 'post_processor'],
    [
      'a template without the text',
      { root: { post_processor: { type: 'TemplateProcessing', single: [] } } },
      'invalid-file',
      'post_processor.single',
    ],
    [
      'a template with an undefined token',
      { root: { post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: 'x' } }] } } },
      'invalid-file',
      'post_processor.single',
    ],
    [
      'a post-processor whose id is outside the vocabulary',
      { root: { post_processor: { type: 'BertProcessing', cls: ['a', 1e6], sep: ['b', 0] } } },
      'invalid-file',
      'post_processor.cls',
    ],
  ]
  it.each(cases)('%s', (_, change, code, field) => {
    expect(errorOf(byteBpeJson(change))).toEqual({ code, field })
  })

  it('a configuration of another model', () => {
    expect(errorOf(byteBpeJson(), { eos_token: '<|im_end|>' })).toEqual({ code: 'invalid-file', field: 'eos_token' })
    expect(errorOf(byteBpeJson(), { eos_token: 5 })).toEqual({ code: 'invalid-file', field: 'eos_token' })
  })

  it('any JSON value in any place: a typed error or a tokenizer, never another exception', () => {
    const places = Object.keys(byteBpeJson()).concat(['normalizer', 'post_processor'])
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), fc.boolean(), (place, value, inModel) => {
        const json = inModel
          ? byteBpeJson({ model: { [place === 'model' ? 'vocab' : 'merges']: value } })
          : byteBpeJson({ root: { [place]: value } })
        try {
          createTokenizerFromJson(json).encode('the thing')
        } catch (error) {
          if (!isTesseraError(error)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })
})
