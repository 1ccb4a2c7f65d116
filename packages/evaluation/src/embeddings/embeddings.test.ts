import { createRandom } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { compareEmbeddings, rankCorrelation, sentencesOf, spreadOver } from './index.ts'

const f32 = (...values: number[]): Float32Array => Float32Array.from(values)

describe('rankCorrelation', () => {
  test.each([
    [[1, 2, 3, 4], [10, 20, 30, 1000], 1],
    [[1, 2, 3, 4], [4, 3, 2, 1], -1],
    // 1 − 6 Σd² / (n (n² − 1)) with d = 0, 1, −1, 0, 0.
    [[1, 2, 3, 4, 5], [1, 3, 2, 4, 5], 1 - 12 / 120],
    // Ties: ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3.
    [[1, 2, 2, 3], [5, 6, 7, 8], 4.5 / Math.sqrt(4.5 * 5)],
  ])('%j and %j: %f', (a, b, expected) => expect(rankCorrelation(a, b)).toBeCloseTo(expected, 12))

  test('is not known of a list that is constant', () => expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNaN())
})

describe('compareEmbeddings', () => {
  test('vectors that differ in length alone agree in all', () => {
    const random = createRandom(1)
    const vectors = Array.from({ length: 20 }, () => Float32Array.from({ length: 8 }, () => random.normal()))
    const result = compareEmbeddings(
      vectors,
      vectors.map((vector, index) => vector.map((value) => value * (index + 1))),
    )
    expect(result).toMatchObject({ pairs: 190, texts: 20, top1Agreement: 1, top10Overlap: 1 })
    for (const name of ['cosine', 'cosineMin', 'spearman'] as const) expect(result[name], name).toBeCloseTo(1, 6)
  })

  test('by hand: one of four turned away', () => {
    const original = [f32(1, 0), f32(0.8, 0.6), f32(0, 1), f32(-0.6, 0.8)]
    const { cosine, cosineMin, cosineStandardError, spearman, top1Agreement, top10Overlap, pairs } = compareEmbeddings(
      original,
      original.with(1, f32(0, 0.5)),
    )
    expect([cosine, cosineMin, cosineStandardError]).toEqual([
      expect.closeTo(0.9, 6),
      expect.closeTo(0.6, 6),
      expect.closeTo(Math.sqrt(0.03 / 3), 6),
    ])
    // Pairs 01 02 03 12 13 23: 0.8 0 −0.6 0.6 0 0.8 before, 0 0 −0.6 1 0.8 0.8 after.
    expect(spearman).toBeCloseTo(rankCorrelation([5, 2, 0, 3, 2, 5], [1, 1, 0, 5, 3, 3]), 6)
    expect(pairs).toBe(6)
    // Nearest before: 1, 0, 3, 2 by the first of equals; after: 1, 2, 1, 1.
    expect(top1Agreement).toBe(0.25)
    expect(top10Overlap).toBeNaN()
  })

  test('a text alone has no neighbours', () => {
    expect(compareEmbeddings([f32(1, 2)], [f32(2, 1)])).toMatchObject({
      cosine: expect.closeTo(0.8, 6),
      cosineStandardError: Number.NaN,
      spearman: Number.NaN,
      top1Agreement: Number.NaN,
      pairs: 0,
    })
  })

  test.each([
    [[], [], 'there is no text'],
    [[f32(1)], [f32(1), f32(2)], '1 vectors cannot be compared with 2'],
    [[f32(1)], [f32(1, 2)], 'vectors of 1 dimensions cannot be compared with those of 2'],
    [[f32(1), f32(1, 2)], [f32(1), f32(1)], 'original vector 1 has 2 dimensions, the first has 1'],
    [[f32(1)], [f32(Number.NaN)], 'compared vector 0 holds NaN or infinities'],
  ])('refuses %j and %j', (a, b, message) => expect(() => compareEmbeddings(a, b)).toThrow(message))
})

test('sentences, with their lines joined, without headings and scraps', () => {
  const text =
    ' = Title = \n\n Robert Boulter is an actor . He had a guest role in 2000 . \n\nSpeak, speak!\n\nFirst Citizen:\nBefore we proceed any\nfurther, hear me speak. You are all resolved rather to die?\n'
  expect(sentencesOf(text)).toEqual([
    'Robert Boulter is an actor .',
    'He had a guest role in 2000 .',
    'First Citizen: Before we proceed any further, hear me speak.',
    'You are all resolved rather to die?',
  ])
  expect(spreadOver([0, 1, 2, 3, 4, 5, 6], 3)).toEqual([0, 2, 4])
  expect(spreadOver([0, 1], 3)).toEqual([0, 1])
})
