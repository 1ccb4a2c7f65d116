import {
  createPlainMultiply,
  dequantizeMatrix,
  gptq,
  type LinearStatistics,
  outputError,
  type QuantizedMatrix,
} from '@tessera-llm/quantization'
import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { gridOf } from './grid-of.ts'
import { quantizeWeight } from './index.ts'

const random = createRandom(3)
const [rows, columns, tokens] = [24, 64, 128]
const weight = {
  values: Float32Array.from({ length: rows * columns }, () => random.normal()),
  shape: [rows, columns] as const,
}
const inputs = Array.from({ length: tokens }, () => {
  const shared = random.normal()
  return Float64Array.from({ length: columns }, () => 2 * shared + random.normal())
})
const secondMoment = Float32Array.from({ length: columns * columns }, (_, at) =>
  inputs.reduce((sum, x) => sum + (x[Math.floor(at / columns)] as number) * (x[at % columns] as number), 0),
)
const statistics: LinearStatistics = { columns, count: tokens, secondMoment }
const format = { bits: 2, group: 32 } as const
const multiply = createPlainMultiply()

const matrixOf = async (passes?: number): Promise<QuantizedMatrix> => {
  const { weight: made } = await quantizeWeight(
    weight,
    { kind: 'quantize', method: 'gptq', format, passes },
    statistics,
    { multiply },
  )
  if (made.kind !== 'matrix') throw new Error('integers in groups are a matrix')
  return made.matrix
}

test('a step says how often GPTQ goes over its codes again, which lowers the error of the outputs', async () => {
  const swept = await matrixOf(0)
  expect(swept.codes).toEqual(gptq(weight, statistics, gridOf(format), { passes: 0, multiply }).matrix.codes)
  const refined = await matrixOf()
  expect(refined.codes).toEqual(gptq(weight, statistics, gridOf(format), { passes: 2, multiply }).matrix.codes)
  const errorOf = (matrix: QuantizedMatrix): number =>
    outputError(weight, dequantizeMatrix(matrix), statistics, multiply).error
  expect(errorOf(refined)).toBeLessThan(errorOf(swept))
})
