import type { Checkpoint } from '@tessera-llm/formats'
import { beforeAll, describe, expect, it } from 'vitest'
import { goldenGguf, goldenJson } from '../../test/support/golden.ts'
import type { Fields } from '../config/index.ts'
import { createTokenizerFromGguf } from './index.ts'

const path = 'architectures/bert/'
const prefix = 'tokenizer.ggml'
let checkpoint: Checkpoint
beforeAll(async () => {
  checkpoint = await goldenGguf(`${path}model.gguf`)
})
/** The golden's metadata with changes; keys set to undefined are removed. */
const changed = (change: Fields = {}): Fields =>
  Object.fromEntries(Object.entries({ ...checkpoint.metadata, ...change }).filter(([, value]) => value !== undefined))

describe('WordPiece in GGUF metadata', () => {
  const cases = goldenJson<{ readonly text: string; readonly ids: number[]; readonly decoded: string }[]>(
    `${path}tokenizer.cases.json`,
  )
  it.each(cases)('gives the ids of Hugging Face tokenizers for "$text"', ({ text, ids, decoded }) => {
    const tokenizer = createTokenizerFromGguf(checkpoint.metadata as Fields)
    expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(ids)
    expect(tokenizer.decode(ids)).toBe(decoded)
  })

  it('finds tokens with a task by their spelling where no key names them', () => {
    const names = ['bos', 'eos', 'seperator', 'unknown', 'padding', 'mask'].map((name) => `${prefix}.${name}_token_id`)
    const tokenizer = createTokenizerFromGguf(changed(Object.fromEntries(names.map((name) => [name, undefined]))))
    for (const { text, ids } of cases) expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(ids)
  })

  it('keeps letters as they are where the vocabulary has capitals', () => {
    const tokens = [...(checkpoint.metadata[`${prefix}.tokens`] as string[])]
    tokens[tokens.indexOf('\u2581cat')] = '\u2581Cat'
    const tokenizer = createTokenizerFromGguf(changed({ [`${prefix}.tokens`]: tokens }))
    expect(tokenizer.encode('Cat', { addSpecial: false })).toEqual([tokens.indexOf('\u2581Cat')])
    expect(tokenizer.encode('The', { addSpecial: false })).toEqual([1])
  })

  const refused: [what: string, change: Fields, field: string][] = [
    ['an id outside the vocabulary', { [`${prefix}.seperator_token_id`]: 256 }, 'seperator_token_id'],
    ['an id that is no number', { [`${prefix}.unknown_token_id`]: 'x' }, 'unknown_token_id'],
    [
      'no token that ends a text',
      {
        [`${prefix}.seperator_token_id`]: undefined,
        [`${prefix}.eos_token_id`]: undefined,
        [`${prefix}.tokens`]: Array.from({ length: 256 }, (_, id) =>
          id === 1 ? '[UNK]' : id === 2 ? '[CLS]' : `\u2581${id}`,
        ),
      },
      'seperator_token_id',
    ],
    ['no tokens', { [`${prefix}.tokens`]: [] }, 'tokens'],
    ['too few kinds', { [`${prefix}.token_type`]: [1] }, 'token_type'],
  ]
  it.each(refused)('refuses %s', (_, change, field) => {
    expect(() => createTokenizerFromGguf(changed(change))).toThrow(new RegExp(`${prefix}\\.${field}`))
  })
})
