import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { gatherStatistics, outputError } from '../../../test/method-golden.ts'
import { dequantizeMatrix, feedbackCosts, gptq, type Grid, importanceOf, rtn } from '../../index.ts'

test('of two inputs, the first is made up for by the second as far as they go together', () => {
  const count = 1e6
  const secondMoment = Float32Array.from([4, 2, 2, 3], (value) => value * count)
  const costs = feedbackCosts({ columns: 2, count, secondMoment })
  // A hundredth of the mean of the diagonal is added to it.
  expect(costs[0]).toBeCloseTo(4.035 - 4 / 3.035, 4)
  // Nothing is left to make up for the last one, and the damping is no input.
  expect(costs[1]).toBe(3)
})

test('beside one input that exceeds all others by far, the others cost what they cost rounding to nearest', () => {
  const count = 1e6
  const secondMoment = Float32Array.from([1e4, 0, 0, 0, 1, 0.9, 0, 0.9, 1], (value) => value * count)
  expect([...feedbackCosts({ columns: 3, count, secondMoment })]).toEqual([1e4, 1, 1])
})

test('says beforehand what GPTQ loses beside rounding to nearest, whatever the inputs have in common', () => {
  const random = createRandom(5)
  const [tokens, rows, columns] = [2048, 48, 96]
  const values = Float32Array.from({ length: rows * columns }, () => random.normal())
  const shape = [rows, columns] as const
  const grid: Grid = { kind: 'integer', bits: 3, isSymmetric: false, group: 32, scaleType: 'f32' }
  const quotients = [0, 0.5, 2].map((common) => {
    const x = new Float32Array(tokens * columns)
    for (let token = 0; token < tokens; token++) {
      const shared = Array.from({ length: 8 }, () => random.normal())
      for (let column = 0; column < columns; column++)
        x[token * columns + column] = random.normal() + common * (shared[column % 8] as number)
    }
    const statistics = gatherStatistics(x, columns)
    const nearest = dequantizeMatrix(rtn({ values, shape }, grid, { scale: 'range' }))
    const swept = dequantizeMatrix(gptq({ values, shape }, statistics, grid, { scale: 'range', passes: 0 }).matrix)
    const weighed = (by: Float32Array): number =>
      nearest.reduce((sum, value, i) => sum + (by[i % columns] as number) * (value - (values[i] as number)) ** 2, 0)
    const real = outputError(x, values, swept, columns).error / outputError(x, values, nearest, columns).error
    return weighed(feedbackCosts(statistics)) / weighed(importanceOf(statistics)) / real
  })
  for (const quotient of quotients) {
    expect(quotient).toBeGreaterThan(0.8)
    expect(quotient).toBeLessThan(1.25)
  }
})
