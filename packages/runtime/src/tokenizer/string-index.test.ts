import { tableOfStrings } from '@tessera-llm/formats'
import { expect, test } from 'vitest'
import { createStringIndex } from './string-index.ts'

test.each([0, 1, -0x7ee3_623b])(
  'finds each string at its first place, and nothing else, wherever hashes begin (%d)',
  (basis) => {
    const strings = Array.from(
      { length: 5000 },
      (_, index) => `${'aé日😀'.repeat(index % 5)}${(index % 4000).toString(36)}`,
    )
    const index = createStringIndex(tableOfStrings(strings), basis)
    const first = new Map<string, number>()
    for (const [position, text] of strings.entries()) if (!first.has(text)) first.set(text, position)
    for (const text of strings) expect(index.find(text)).toBe(first.get(text))
    for (const text of ['zzzz', 'aé', 'aé日', '\ud83d', '\ude00', 'x'.repeat(1000)])
      expect(index.find(text)).toBeUndefined()
    expect(index.isUnique()).toBe(false)
  },
)

test('the empty string and the empty table', () => {
  expect(createStringIndex(tableOfStrings(['b', ''])).find('')).toBe(1)
  expect(createStringIndex(tableOfStrings([])).find('')).toBeUndefined()
  expect(createStringIndex(tableOfStrings(['b', ''])).isUnique()).toBe(true)
})

test('finds what two ranges make together', () => {
  const index = createStringIndex(tableOfStrings(['ab', 'abc', 'bc']))
  const bytes = new TextEncoder().encode('a bc')
  expect(index.findJoined(bytes, 0, 1, 2, 4)).toBe(1)
  expect(index.findJoined(bytes, 0, 1, 2, 3)).toBe(0)
  expect(index.findJoined(bytes, 2, 4, 4, 4)).toBe(2)
  expect(index.findJoined(bytes, 0, 4, 4, 4)).toBeUndefined()
})
