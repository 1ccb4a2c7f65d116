import { isTesseraError } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { byteBpeMetadata, sentencePieceMetadata } from '../../test/support/small-vocabularies.ts'
import type { Fields } from '../config/index.ts'
import { createTokenizerFromGguf } from './index.ts'

const prefix = 'tokenizer.ggml'

/** The error for changed metadata; fails the test if there is none or it is of another class. */
function errorOf(metadata: Fields): { readonly code: string; readonly field: unknown; readonly message: string } {
  try {
    createTokenizerFromGguf(metadata)
  } catch (error) {
    if (!isTesseraError(error)) throw error
    return { code: error.code, field: error.details.field, message: error.message }
  }
  throw new Error('the metadata was accepted')
}

describe('GGUF metadata that make no tokenizer', () => {
  const tokens = byteBpeMetadata()[`${prefix}.tokens`] as string[]
  const scores = sentencePieceMetadata()[`${prefix}.scores`] as number[]
  const cases: [name: string, change: Fields, code: string, field: string][] = [
    ['no model', { [`${prefix}.model`]: undefined }, 'invalid-file', 'model'],
    ['a model that is no string', { [`${prefix}.model`]: 7 }, 'invalid-file', 'model'],
    ['an unknown model', { [`${prefix}.model`]: 'rwkv' }, 'unsupported', 'model'],
    ['an unknown pre-tokenizer', { [`${prefix}.pre`]: 'toString' }, 'unsupported', 'pre'],
    ['no tokens', { [`${prefix}.tokens`]: undefined }, 'invalid-file', 'tokens'],
    ['tokens that are a string', { [`${prefix}.tokens`]: 'abc' }, 'invalid-file', 'tokens'],
    ['an empty list of tokens', { [`${prefix}.tokens`]: [], [`${prefix}.token_type`]: [] }, 'invalid-file', 'tokens'],
    [
      'a token that is a number',
      { [`${prefix}.tokens`]: tokens.with(3, 5 as unknown as string) },
      'invalid-file',
      'tokens',
    ],
    ['too few kinds', { [`${prefix}.token_type`]: [1, 1] }, 'invalid-file', 'token_type'],
    ['an unknown kind', { [`${prefix}.token_type`]: tokens.map(() => 99) }, 'invalid-file', 'token_type'],
    ['no merges', { [`${prefix}.merges`]: undefined }, 'invalid-file', 'merges'],
    ['a merge that is no pair', { [`${prefix}.merges`]: ['th'] }, 'invalid-file', 'merges'],
    ['a merge of three', { [`${prefix}.merges`]: ['t h e'] }, 'invalid-file', 'merges'],
    ['a merge of an unknown token', { [`${prefix}.merges`]: ['t h', 'xyz e'] }, 'invalid-file', 'merges'],
    ['a merge with an unknown result', { [`${prefix}.merges`]: ['h t'] }, 'invalid-file', 'merges'],
    ['an end id outside the vocabulary', { [`${prefix}.eos_token_id`]: tokens.length }, 'invalid-file', 'eos_token_id'],
    ['a negative id', { [`${prefix}.bos_token_id`]: -1 }, 'invalid-file', 'bos_token_id'],
    ['an id that is a string', { [`${prefix}.bos_token_id`]: '1' }, 'invalid-file', 'bos_token_id'],
    ['add_bos_token that is a number', { [`${prefix}.add_bos_token`]: 1 }, 'invalid-file', 'add_bos_token'],
  ]
  it.each(cases)('%s', (_, change, code, field) => {
    const error = errorOf(byteBpeMetadata(change))
    expect(error).toMatchObject({ code, field: `${prefix}.${field}` })
    if (code === 'invalid-file') expect(error.message).toContain(`${prefix}.${field}`)
  })

  const pieceCases: [name: string, change: Fields, field: string][] = [
    ['no scores', { [`${prefix}.scores`]: undefined }, 'scores'],
    ['too few scores', { [`${prefix}.scores`]: [1] }, 'scores'],
    ['a score that is no number', { [`${prefix}.scores`]: scores.with(4, Number.NaN) }, 'scores'],
    ['an unknown id outside the vocabulary', { [`${prefix}.unknown_token_id`]: 1e6 }, 'unknown_token_id'],
  ]
  it.each(pieceCases)('%s', (_, change, field) => {
    expect(errorOf(sentencePieceMetadata(change))).toMatchObject({ code: 'invalid-file', field: `${prefix}.${field}` })
  })

  it('a SentencePiece vocabulary that can spell neither bytes nor the unknown', () => {
    const metadata = sentencePieceMetadata({ [`${prefix}.unknown_token_id`]: undefined })
    const without = (metadata[`${prefix}.tokens`] as string[]).map((token) => (token === '<0x41>' ? 'x' : token))
    expect(errorOf({ ...metadata, [`${prefix}.tokens`]: without })).toMatchObject({
      code: 'invalid-file',
      field: `${prefix}.tokens`,
    })
  })
})

describe('a tokenizer from GGUF metadata', () => {
  it('takes longer whole tokens first, as llama.cpp does, even where a shorter one begins before', () => {
    const tokens = byteBpeMetadata()[`${prefix}.tokens`] as string[]
    const extended = [...tokens, 'xyz', 'wx']
    const types = extended.map((token) => (token === 'xyz' || token === 'wx' ? 4 : 1))
    const tokenizer = createTokenizerFromGguf(
      byteBpeMetadata({ [`${prefix}.tokens`]: extended, [`${prefix}.token_type`]: types }),
    )
    expect(tokenizer.encode('wxyz').map(tokenizer.tokenOf)).toEqual(['w', 'xyz'])
    expect(tokenizer.encode('wxyxyz').map(tokenizer.tokenOf)).toEqual(['wx', 'y', 'xyz'])
  })

  it('puts a space before a text and takes it away again where the model was trained so', () => {
    const tokenizer = createTokenizerFromGguf(sentencePieceMetadata())
    expect(tokenizer.encode('the').map(tokenizer.tokenOf)).toEqual(['<s>', '\u2581the'])
    expect(tokenizer.encode('the</s>ab', { addSpecial: false, parseSpecial: true }).map(tokenizer.tokenOf)).toEqual([
      '\u2581the',
      '</s>',
      '\u2581',
      'ab',
    ])
    expect(tokenizer.encode('</s>', { addSpecial: false })).not.toContain(2)
    for (const text of ['the ab', ' the', '', 'é\u0000\u{1f600}', '  a'])
      expect(tokenizer.decode(tokenizer.encode(text), { skipSpecial: true })).toBe(text)
  })

  it('spells text of the unknown token where bytes are missing', () => {
    const metadata = sentencePieceMetadata()
    const tokens = (metadata[`${prefix}.tokens`] as string[]).map((token) =>
      token.startsWith('<0x') ? `[${token}]` : token,
    )
    const types = (metadata[`${prefix}.token_type`] as number[]).map((type) => (type === 6 ? 5 : type))
    const tokenizer = createTokenizerFromGguf({
      ...metadata,
      [`${prefix}.tokens`]: tokens,
      [`${prefix}.token_type`]: types,
    })
    expect(tokenizer.encode('aé', { addSpecial: false }).map(tokenizer.tokenOf)).toEqual(['\u2581', 'a', '<unk>'])
  })

  it('refuses ids that are not in its vocabulary', () => {
    const tokenizer = createTokenizerFromGguf(byteBpeMetadata())
    for (const id of [-1, tokenizer.vocabSize, 0.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrow(expect.objectContaining({ code: 'invalid-value' }))
      expect(() => tokenizer.tokenBytes(id)).toThrow(/not in the vocabulary/)
    }
  })
})
