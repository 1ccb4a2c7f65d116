import { tableOfStrings } from '@tessera-llm/formats'
import { describe, expect, test } from 'vitest'
import { readRanks } from './gguf-merges.ts'
import type { RankOf } from './merge.ts'
import { createStringIndex } from './string-index.ts'

const parts = ['a', 'b', 'é', 'c', '😀', '日']
const merges = ['a b', 'é c', 'ab éc', '😀 日', 'b é']
const made = ['ab', 'éc', 'abéc', '😀日', 'bé']

/** Ranks for a list of tokens; those in `control` are control tokens. */
const ranksOf = (tokens: readonly string[], control: readonly string[] = []): RankOf =>
  readRanks(tableOfStrings(merges), createStringIndex(tableOfStrings(tokens)), (id) =>
    control.includes(tokens[id] as string),
  )

describe.each([
  ['in the order of the merges', [...parts, ...made, '<s>']],
  ['in another order', [...made.toReversed(), ...parts]],
  ['in that order, and one of them before', ['éc', ...parts, ...made]],
  ['in that order, but for the last', [...parts, ...made.slice(0, 4), '<s>', 'bé']],
])('tokens %s', (_, tokens) => {
  test('merges have the rank of their place, whole and in parts', () => {
    const rankOf = ranksOf(tokens)
    expect([rankOf('a', 'b'), rankOf('é', 'c'), rankOf('ab', 'éc'), rankOf('😀', '日'), rankOf('b', 'é')]).toEqual([
      0, 1, 2, 3, 4,
    ])
    for (const [left, right] of [
      ['b', 'a'],
      ['a', 'béc'],
      ['abé', 'c'],
      ['', 'ab'],
      ['é', 'x'],
      ['\ud800', 'c'],
      ['a', ''],
    ] as const)
      expect(rankOf(left, right)).toBeUndefined()
  })

  test('what makes a control token is no merge', () => {
    const rankOf = ranksOf(tokens, ['éc'])
    expect([rankOf('é', 'c'), rankOf('a', 'b')]).toEqual([undefined, 0])
  })
})

test.each([
  ['no space', ['ab']],
  ['a space before', [' ab']],
  ['a space behind', ['ab ']],
  ['two spaces', ['a b c']],
  ['a result that is no token', ['a b', 'b a']],
])('refuses merges with %s', (_, list) => {
  const tokens = createStringIndex(tableOfStrings(['a', 'b', 'c', 'ab', 'abc']))
  expect(() => readRanks(tableOfStrings(list), tokens, () => false)).toThrow(
    expect.objectContaining({ code: 'invalid-file', details: { field: 'tokenizer.ggml.merges' } }),
  )
})

test('a file may have no merges', () => {
  expect(
    readRanks(tableOfStrings([]), createStringIndex(tableOfStrings(['ab'])), () => false)('a', 'b'),
  ).toBeUndefined()
})
