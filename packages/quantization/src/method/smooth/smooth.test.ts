import { goldenOutput } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { casesOf, expectClose, floats, statisticsOf, weightOf } from '../../../test/method-golden.ts'
import { type IntegerGrid, type QuantizedMatrix, rtn, smoothScales, type WeightMatrix } from '../../index.ts'

const int8: IntegerGrid = { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' }
const round = (matrix: WeightMatrix): QuantizedMatrix => rtn(matrix, int8, { scale: 'range' })

/** The product of 8-bit codes, in integers, times both scales: what a W8A8 layer computes. */
function multiply(x: QuantizedMatrix, w: QuantizedMatrix): { readonly sums: Int32Array; readonly y: Float32Array } {
  const [tokens, columns] = x.shape
  const [rows] = w.shape
  const sums = new Int32Array(tokens * rows)
  const y = new Float32Array(tokens * rows)
  for (let at = 0; at < sums.length; at++) {
    const token = Math.floor(at / rows)
    const row = at % rows
    let sum = 0
    for (let i = 0; i < columns; i++)
      sum += ((x.codes[token * columns + i] as number) - 128) * ((w.codes[row * columns + i] as number) - 128)
    sums[at] = sum
    y[at] = sum * (x.scales[token] as number) * (w.scales[row] as number)
  }
  return { sums, y }
}

test.for(casesOf('w8a8'))('$name: 8 bits per token and per channel', (golden) => {
  const x = round(weightOf(golden, 'x'))
  const w = round(weightOf(golden))
  const { sums, y } = multiply(x, w)
  expect([...sums]).toEqual([...floats(goldenOutput(golden, 'acc'))])
  expectClose('scales of tokens', x.scales, goldenOutput(golden, 'x_scale'))
  expectClose('scales of channels', w.scales, goldenOutput(golden, 'w_scale'))
  expectClose('outputs', y, goldenOutput(golden, 'y'))
})

test.for(casesOf('smoothquant'))('$name', (golden) => {
  const weight = weightOf(golden)
  const x = weightOf(golden, 'x')
  const columns = weight.shape[1]
  const scales = smoothScales([weight], statisticsOf(golden), golden.params['alpha'] as number)
  expectClose('scales', scales, goldenOutput(golden, 's'))
  const smoothX = { ...x, values: x.values.map((value, i) => value / (scales[i % columns] as number)) }
  const smoothW = { ...weight, values: weight.values.map((value, i) => value * (scales[i % columns] as number)) }
  expectClose('x', smoothX.values, goldenOutput(golden, 'x_smooth'))
  expectClose('w', smoothW.values, goldenOutput(golden, 'w_smooth'))
  const exact = floats(goldenOutput(golden, 'y'))
  const errorOf = (a: WeightMatrix, b: WeightMatrix): number => {
    const { y } = multiply(round(a), round(b))
    return (
      y.reduce((sum, value, i) => sum + (value - (exact[i] as number)) ** 2, 0) /
      exact.reduce((sum, value) => sum + value * value, 0)
    )
  }
  expect(errorOf(x, weight)).toBeCloseTo(goldenOutput(golden, 'err_w8a8').data[0] as number, 7)
  expect(errorOf(smoothX, smoothW)).toBeCloseTo(goldenOutput(golden, 'err_w8a8_smooth').data[0] as number, 7)
})

test('several weights share their scales; columns without weights or inputs keep them', () => {
  const statistics = { columns: 3, count: 1, absMax: Float32Array.of(4, 9, 0) }
  const a = { values: Float32Array.of(1, 0, 1), shape: [1, 3] as const }
  const b = { values: Float32Array.of(-4, 0, 1), shape: [1, 3] as const }
  expect([...smoothScales([a, b], statistics, 0.5)]).toEqual([1, 1, Math.fround(1e-5)])
})

test('what does not fit is refused by name', () => {
  const weight = { values: Float32Array.of(1, 2), shape: [1, 2] as const }
  expect(() => smoothScales([weight], { columns: 2, count: 1 }, 0.5)).toThrow(
    'smooth: takes the largest magnitude of each of the 2 inputs, got none',
  )
  expect(() => smoothScales([weight], { columns: 3, count: 1, absMax: new Float32Array(3) }, 0.5)).toThrow(
    'the statistics are of 3 inputs, a weight is [1, 2]',
  )
  expect(() => smoothScales([weight], { columns: 2, count: 1, absMax: Float32Array.of(1, 1) }, 2)).toThrow(
    'alpha lies between 0 (weights stay) and 1 (activations become even), got 2',
  )
})
