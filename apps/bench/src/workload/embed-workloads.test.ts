import { expect, test } from 'vitest'
import { embedWorkloads, problemOfSimilarities, similaritiesOf, textsOf } from './embed-workloads.ts'

test('texts are consecutive words', () => {
  const [short, sentences] = embedWorkloads('folder').filter(
    ({ threads, precision }) => threads === 1 && precision === 'int8',
  )
  const text = Array.from({ length: 3000 }, (_, index) => `w${index}`).join(' \n')
  const texts = textsOf(short as NonNullable<typeof short>, text)
  expect(texts).toHaveLength(64)
  expect(texts[1]).toBe('w8 w9 w10 w11 w12 w13 w14 w15')
  expect(textsOf(sentences as NonNullable<typeof sentences>, text).map((each) => each.split(' ').length)).toEqual(
    sentences?.wordsOfTexts,
  )
})

test('similarities are cosines to the first text, and are held to the exact ones', () => {
  const [workload] = embedWorkloads('folder')
  const given = similaritiesOf([
    [3, 4],
    [4, 3],
    [-6, -8],
  ])
  expect(given.map((value) => value.toFixed(6))).toEqual(['0.960000', '-1.000000'])
  const problem = (answer: readonly number[] | undefined): string | undefined =>
    problemOfSimilarities(workload as NonNullable<typeof workload>, answer, given)
  expect(problem(given)).toBeUndefined()
  expect(problem([0.96, -0.99])).toMatch(/computed a similarity of -0\.99 where it is -1 \(texts 0 and 2/)
  expect(problem([0.96, Number.NaN])).toMatch(/NaN/)
  expect(problem(undefined)).toMatch(/gave no similarities, not 2/)
})
