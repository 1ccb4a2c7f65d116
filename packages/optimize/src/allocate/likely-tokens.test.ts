import { expect, test } from 'vitest'
import { likelyTokens, rowsOf } from './likely-tokens.ts'

test('the words of most probability over all rows, by rising id', () => {
  // Probabilities of about .88 and .12 in the first row, and of a half each in the second.
  const logits = Float32Array.from([9, 7, -9, -9, -9, -9, -9, -9, 3, 3])
  expect([...likelyTokens(logits, 5, 3)]).toEqual([0, 3, 4])
  expect([...likelyTokens(logits, 5, 1)]).toEqual([0])
  expect([...likelyTokens(logits, 5, 9)]).toEqual([0, 1, 2, 3, 4])
})

test('their rows', () => {
  expect([...rowsOf(Float32Array.from([1, 2, 3, 4, 5, 6]), 2, Int32Array.of(0, 2))]).toEqual([1, 2, 5, 6])
})
