import { expect, test } from 'vitest'
import { dequantizeMatrix, type IntegerGrid, normalGrid } from './index.ts'

const grid: IntegerGrid = { kind: 'integer', bits: 4, group: 2, isSymmetric: false, scaleType: 'f32' }

test('integers subtract their zero and take the scale of their group, the last of which may be short', () => {
  const matrix = {
    shape: [2, 3] as const,
    grid,
    codes: Uint8Array.of(0, 15, 3, 1, 2, 4),
    scales: Float32Array.of(0.5, 2, 1, 4),
    zeros: Float32Array.of(8, 3, 0, 4),
  }
  expect([...dequantizeMatrix(matrix)]).toEqual([-4, 3.5, 0, 1, 2, 0])
})

test('without zeros the middle of the codes is zero; groups may be named by column', () => {
  const codes = Uint8Array.of(8, 9, 7)
  expect([
    ...dequantizeMatrix({
      shape: [1, 3],
      grid: { ...grid, isSymmetric: true },
      codes,
      scales: Float32Array.of(2, 10),
      groupOfColumn: Int32Array.of(1, 1, 0),
    }),
  ]).toEqual([0, 10, -2])
})

test('one scale a row, or one in all', () => {
  const codes = Uint8Array.of(9, 10, 7, 8)
  expect([
    ...dequantizeMatrix({
      shape: [2, 2],
      grid: { ...grid, group: 'row', isSymmetric: true },
      codes,
      scales: Float32Array.of(1, 3),
    }),
  ]).toEqual([1, 2, -3, 0])
  expect([
    ...dequantizeMatrix({
      shape: [2, 2],
      grid: { ...grid, group: 'tensor', isSymmetric: true },
      codes,
      scales: Float32Array.of(2),
    }),
  ]).toEqual([2, 4, -2, 0])
})

test('a codebook gives the value of each code', () => {
  const values = Float32Array.of(-1, 0, 0.5)
  expect([
    ...dequantizeMatrix({
      shape: [1, 3],
      grid: { kind: 'codebook', id: 'three', values, group: 'row', scaleType: 'f32' },
      codes: Uint8Array.of(2, 1, 0),
      scales: Float32Array.of(4),
    }),
  ]).toEqual([2, 0, -4])
})

test.each([
  [2, 0.1175],
  [3, 0.03454],
  [4, 0.009497],
] as const)(
  'the normal table of %i bits errs by its published share of the variance, and each level is the mean of what it stands for',
  (bits, published) => {
    const { values } = normalGrid(bits, 64)
    let error = 0
    let mass = 0
    const means = new Float64Array(values.length)
    const masses = new Float64Array(values.length)
    for (let x = -8; x < 8; x += 1e-3) {
      const density = Math.exp((-x * x) / 2)
      const nearest = values.reduce(
        (best, value, i) => (Math.abs(x - value) < Math.abs(x - (values[best] as number)) ? i : best),
        0,
      )
      error += density * (x - (values[nearest] as number)) ** 2
      mass += density
      means[nearest] = (means[nearest] as number) + density * x
      masses[nearest] = (masses[nearest] as number) + density
    }
    expect(error / mass).toBeCloseTo(published, 4)
    for (const [i, value] of values.entries())
      expect((means[i] as number) / (masses[i] as number)).toBeCloseTo(value, 2)
  },
)
