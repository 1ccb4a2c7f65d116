import { createRandom } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { allocate, type AllocationOption } from './index.ts'

/** The least loss within the budget, by trying everything. */
function bruteForce(tensors: readonly (readonly AllocationOption[])[], budget: number): number {
  const [first, ...rest] = tensors
  if (!first) return budget >= 0 ? 0 : Number.POSITIVE_INFINITY
  return Math.min(
    ...first.map(({ bytes, loss }) =>
      bytes <= budget ? loss + bruteForce(rest, budget - bytes) : Number.POSITIVE_INFINITY,
    ),
  )
}

function draw(seed: number, count: number, options: number): AllocationOption[][] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const size = 1 + random.integer(20)
    const sensitivity = random.uniform()
    return Array.from({ length: 1 + random.integer(options) }, () => {
      const bits = 2 + random.integer(7)
      return { bytes: size * bits, loss: sensitivity * size * 4 ** -bits * (0.5 + random.uniform()) }
    })
  })
}

describe('is the best there is', () => {
  test.for(Array.from({ length: 200 }, (_, seed) => seed))('seed %i', (seed) => {
    const tensors = draw(seed, 1 + (seed % 7), 5)
    const least = tensors.reduce((sum, options) => sum + Math.min(...options.map(({ bytes }) => bytes)), 0)
    const most = tensors.reduce((sum, options) => sum + Math.max(...options.map(({ bytes }) => bytes)), 0)
    const budget = least + ((most - least) * (seed % 11)) / 10 || 1
    const { choices, bytes, loss, lowerBound } = allocate(tensors, budget)
    expect(loss).toBeCloseTo(bruteForce(tensors, budget), 12)
    expect(lowerBound).toBe(loss)
    expect(bytes).toBeLessThanOrEqual(budget)
    const chosen = choices.map((option, tensor) => tensors[tensor]?.[option] as AllocationOption)
    expect(chosen.reduce((sum, option) => sum + option.bytes, 0)).toBe(bytes)
    expect(chosen.reduce((sum, option) => sum + option.loss, 0)).toBeCloseTo(loss, 12)
  })
})

test('a model of 500 tensors, within a percent of a thousandth of the bound at least', () => {
  const tensors = draw(9, 500, 9).map((options) => options.map(({ bytes, loss }) => ({ bytes: bytes * 1011, loss })))
  const least = tensors.reduce((sum, options) => sum + Math.min(...options.map(({ bytes }) => bytes)), 0)
  const { loss, lowerBound, bytes } = allocate(tensors, least * 1.7)
  expect(bytes).toBeLessThanOrEqual(least * 1.7)
  expect(loss - lowerBound).toBeLessThanOrEqual(loss * 1e-5)
})

test('what cannot be is refused with the numbers', () => {
  expect(() => allocate([[{ bytes: 100, loss: 1 }], [{ bytes: 50, loss: 0 }]], 149)).toThrow(
    'allocate: the smallest formats take 150 bytes, the budget is 149',
  )
  expect(() => allocate([[]], 1)).toThrow('tensor 0 has no option')
  expect(() => allocate([[{ bytes: 1, loss: Number.NaN }]], 1)).toThrow(
    'option 0 of tensor 0 has 1 bytes and the loss NaN',
  )
  expect(() => allocate([], 0)).toThrow('the budget is a number of bytes > 0, got 0')
})
