import { goldenOutput } from '@tessera-llm/testing'
import { createRandom } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import {
  casesOf,
  expectClose,
  expectCodes,
  floats,
  gatherStatistics,
  outputError,
  statisticsOf,
  weightOf,
} from '../../../test/method-golden.ts'
import {
  awq,
  awqScales,
  dequantizeMatrix,
  gptq,
  type Grid,
  type IntegerGrid,
  scaleStatistics,
  transformWeight,
} from '../../index.ts'
import { createWasmMultiply } from '../../linear-algebra/wasm.ts'

const multiply = await createWasmMultiply()

describe.for(casesOf('awq'))('$name', (golden) => {
  const { bits, group, grid: steps } = golden.params as { bits: IntegerGrid['bits']; group: number; grid: number }
  const grid: Grid = { kind: 'integer', bits, group, isSymmetric: false, scaleType: 'f32' }
  const weight = weightOf(golden)
  const statistics = statisticsOf(golden)
  const columns = statistics.columns
  const x = floats(golden.inputs['x'] as { data: Float32Array })
  const unscaled = (values: Float32Array, scales: Float32Array): Float32Array =>
    values.map((value, i) => value / (scales[i % columns] as number))

  test('scales, losses and codes', () => {
    const { matrix, scales, losses } = awq(weight, statistics, grid, { steps, scale: 'range', multiply })
    const best = Number(goldenOutput(golden, 'best_index').data[0])
    expectClose('losses', losses, goldenOutput(golden, 'losses'))
    expect(losses.indexOf(Math.min(...losses))).toBe(best)
    const wanted = goldenOutput(golden, 'grid_scales')
    expectClose('scales', scales, {
      ...wanted,
      data: floats(wanted).subarray(best * columns, (best + 1) * columns),
      shape: [columns],
    })
    expectCodes(golden, matrix.codes, unscaled(dequantizeMatrix(matrix), scales))
    const { error, energy } = outputError(x, weight.values, unscaled(dequantizeMatrix(matrix), scales), columns)
    expect(error / energy).toBeLessThan((goldenOutput(golden, 'rel_err').data[0] as number) * 1.01)
  })

  test('clipping, and GPTQ on the scaled weight, err less', () => {
    const errorOf = (values: Float32Array, scales: Float32Array): number =>
      outputError(x, weight.values, unscaled(values, scales), columns).error
    const plain = awq(weight, statistics, grid, { scale: 'range' })
    const clipped = awq(weight, statistics, grid)
    const { scales } = plain
    const after = gptq(transformWeight(weight, { inputScale: scales }), scaleStatistics(statistics, scales), grid, {
      order: 'groups',
    })
    expect(errorOf(dequantizeMatrix(clipped.matrix), scales)).toBeLessThan(
      errorOf(dequantizeMatrix(plain.matrix), scales),
    )
    expect(errorOf(dequantizeMatrix(after.matrix), scales)).toBeLessThan(
      errorOf(dequantizeMatrix(clipped.matrix), scales) * 0.8,
    )
  })
})

test('probes find nearly the losses of the whole second moment', () => {
  const random = createRandom(8)
  const columns = 48
  const x = Float32Array.from({ length: 200 * columns }, (_, i) => random.normal() * (1 + (i % columns) ** 2 / 100))
  const weight = {
    values: Float32Array.from({ length: 64 * columns }, () => random.normal()),
    shape: [64, columns] as const,
  }
  const statistics = gatherStatistics(x, columns)
  const grid: Grid = { kind: 'integer', bits: 3, group: 16, isSymmetric: false, scaleType: 'f16' }
  const exact = awqScales([weight], statistics, grid, { probes: 0 })
  const probed = awqScales([weight], statistics, grid, { probes: 64 })
  expect(probed.losses.every((loss, i) => Math.abs(loss / (exact.losses[i] as number) - 1) < 0.1)).toBe(true)
  const index = probed.losses.indexOf(Math.min(...probed.losses))
  expect(exact.losses[index]).toBeLessThan(Math.min(...exact.losses) * 1.03)
})

test('what does not fit is refused by name', () => {
  const weight = { values: new Float32Array(8).fill(1), shape: [2, 4] as const }
  const grid: Grid = { kind: 'integer', bits: 4, group: 4, isSymmetric: false, scaleType: 'f32' }
  const statistics = gatherStatistics(new Float32Array(8).fill(1), 4)
  expect(() => awqScales([], statistics, grid)).toThrow('awq: takes the weights that read this input, got none')
  expect(() => awqScales([weight], { columns: 4, count: 1 }, grid)).toThrow('awq: takes the second moment')
  expect(() => awqScales([weight], statistics, grid, { steps: 0 })).toThrow('steps is a number of exponents > 0, got 0')
  expect(() => scaleStatistics(statistics, Float32Array.of(1, 1, 0, 1))).toThrow('positive scales, got 0 at 2')
})
