import { TesseraError } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { failureOf } from './index.ts'

test('tells code and message, other errors as they are, and the absence of one', async () => {
  expect(
    await failureOf(() => {
      throw new TesseraError('invalid-value', 'x: too small')
    }),
  ).toBe('invalid-value: x: too small')
  expect(
    await failureOf(async () => {
      throw new RangeError('far')
    }),
  ).toBe('RangeError: far')
  expect(await failureOf(() => 1)).toBe('none')
})
