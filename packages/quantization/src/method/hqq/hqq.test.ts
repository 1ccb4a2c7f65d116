import { goldenOutput } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { casesOf, expectClose, expectCodes, weightOf } from '../../../test/method-golden.ts'
import { dequantizeMatrix, hqq, type IntegerGrid } from '../../index.ts'

test.for(casesOf('hqq'))('$name', (golden) => {
  const { bits, group, lp, beta, kappa, iters } = golden.params as {
    bits: IntegerGrid['bits']
    group: number
    lp: number
    beta: number
    kappa: number
    iters: number
  }
  const weight = weightOf(golden)
  const { matrix, errors } = hqq(
    weight,
    { kind: 'integer', bits, group, isSymmetric: false, scaleType: 'f32' },
    { norm: lp, beta, growth: kappa, steps: iters },
  )
  const values = dequantizeMatrix(matrix)
  expectCodes(golden, matrix.codes, values)
  expectClose('scales', matrix.scales, goldenOutput(golden, 'scale'))
  expectClose('zeros', matrix.zeros ?? [], goldenOutput(golden, 'zero'))
  expect(errors.length).toBe(Number(goldenOutput(golden, 'iterations').data[0]))
  expectClose('errors', errors, goldenOutput(golden, 'errors'))
  const meanError =
    values.reduce((sum, value, i) => sum + Math.abs(value - (weight.values[i] as number)), 0) / values.length
  expect(meanError).toBeLessThan((goldenOutput(golden, 'mean_abs_err').data[0] as number) * 1.001)
})

const grid: IntegerGrid = { kind: 'integer', bits: 3, group: 4, isSymmetric: false, scaleType: 'f16' }

test('constant groups are exact, a last group may be short, zeros may be integers', () => {
  const weight = { values: Float32Array.of(0.5, 0.5, 0.5, 0.5, -1, 7), shape: [1, 6] as const }
  expect([...dequantizeMatrix(hqq(weight, grid).matrix)].slice(0, 4)).toEqual([0.5, 0.5, 0.5, 0.5])
  const { zeros } = hqq(weight, grid, { integerZeros: true }).matrix
  expect(zeros?.every((zero) => Number.isInteger(zero) && zero >= 0 && zero <= 7)).toBe(true)
})

test('symmetric grids and norms that cannot be are refused', () => {
  expect(() => hqq({ values: Float32Array.of(1), shape: [1, 1] }, { ...grid, isSymmetric: true })).toThrow(
    'hqq: takes grids with zero points',
  )
  expect(() => hqq({ values: Float32Array.of(1), shape: [1, 1] }, grid, { norm: 2 })).toThrow(
    'hqq: norm is the p of |e|^p between 0 and 2, got 2',
  )
})
