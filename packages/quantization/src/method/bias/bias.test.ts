import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { gatherStatistics } from '../../../test/method-golden.ts'
import { compensateBias, dequantizeMatrix, rtn } from '../../index.ts'

const random = createRandom(4)
const columns = 24
const x = Float32Array.from({ length: 50 * columns }, () => random.normal() + 0.7)
const weight = {
  values: Float32Array.from({ length: 5 * columns }, () => random.normal()),
  shape: [5, columns] as const,
}
const statistics = gatherStatistics(x, columns)
const quantized = dequantizeMatrix(
  rtn(weight, { kind: 'integer', bits: 2, group: 8, isSymmetric: false, scaleType: 'f16' }),
)

test('outputs keep their means', () => {
  const before = Float32Array.of(1, 2, 3, 4, 5)
  const bias = compensateBias(weight, quantized, statistics, before)
  for (let row = 0; row < 5; row++) {
    let mean = 0
    for (let i = 0; i < x.length; i++)
      mean +=
        ((x[i] as number) *
          ((weight.values[row * columns + (i % columns)] as number) -
            (quantized[row * columns + (i % columns)] as number))) /
        50
    expect((before[row] as number) + mean).toBeCloseTo(bias[row] as number, 4)
  }
  expect([...compensateBias(weight, weight.values, statistics)]).toEqual([0, 0, 0, 0, 0])
})

test('what does not fit is refused by name', () => {
  expect(() => compensateBias(weight, quantized.subarray(1), statistics)).toThrow(
    'bias: a weight [5, 24] takes 24 inputs, 120 quantized values and 5 biases, got 24, 119 and none',
  )
  expect(() => compensateBias(weight, quantized, { columns, count: 3 })).toThrow(
    'takes the sum of each of the 24 inputs',
  )
})
