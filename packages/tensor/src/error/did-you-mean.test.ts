import { expect, test } from 'vitest'
import { didYouMean } from './index.ts'

test.each([
  ['gtpq', ['rtn', 'hqq', 'gptq'], 'gptq'],
  ['fromat', ['kind', 'format', 'from'], 'format'],
  ['window_size', ['windows', 'window'], 'window'],
  ['max-token', ['min-p', 'max-tokens'], 'max-tokens'],
  ['KB', ['b', 'kB', 'MB'], 'kB'],
  ['q4_9', ['q8_0', 'q4_1', 'q4_0'], 'q4_1'],
])('%s among %j is taken for %s', (name, known, nearest) => {
  expect(didYouMean(name, known)).toBe(`; did you mean ${nearest}?`)
})

test('what nothing is near to ends the sentence', () => {
  expect(didYouMean('nope', ['fp8', 'q8_0', 'no'])).toBe('.')
  expect(didYouMean('loud', [])).toBe('.')
})
