import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import {
  createPlainMultiply,
  factorUpper,
  invertUpper,
  type Multiply,
  type Operand,
  rowMajor,
  solveFactored,
  transposed,
} from './index.ts'
import { createWasmMultiply } from './wasm.ts'

const makers: readonly (readonly [string, () => Promise<Multiply>])[] = [
  ['plain', async () => createPlainMultiply()],
  ['WebAssembly', createWasmMultiply],
]

function normals(count: number, seed: number): Float64Array {
  const random = createRandom(seed)
  return Float64Array.from({ length: count }, () => random.normal())
}

const at = ({ data, offset, rowStride, columnStride }: Operand, row: number, column: number): number =>
  data[offset + row * rowStride + column * columnStride] as number

/** XᵀX of more samples than columns, with a spread of variances of 10⁴. */
function secondMoment(n: number, seed: number): Float64Array {
  const samples = n + 8
  const x = normals(samples * n, seed)
  const h = new Float64Array(n * n)
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++)
        h[i * n + j] =
          (h[i * n + j] as number) +
          (x[sample * n + i] as number) * (x[sample * n + j] as number) * (1 + (i % 10)) * (1 + (j % 10))
    }
  }
  return h
}

const largest = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0)

test.for(makers)('%s: products add up, of any size, of transposed and of inner parts', async ([, make]) => {
  const multiply = await make()
  for (const [m, n, k] of [
    [1, 1, 1],
    [3, 5, 7],
    [4, 4, 300],
    [130, 9, 33],
    [6, 261, 5],
    [5, 3, 1030],
  ] as const) {
    const a = normals((m + 2) * (k + 3), m)
    const b = normals((n + 1) * (k + 4), n + 100)
    const c = normals((m + 1) * (n + 2), k)
    const before = c.slice()
    const left = rowMajor(a, k + 3, 1, 2)
    const right = transposed(rowMajor(b, k + 4, 0, 3))
    multiply(m, n, k, -0.5, left, right, rowMajor(c, n + 2, 1, 1))
    const expected = before.slice()
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let d = 0; d < k; d++) sum += at(left, i, d) * at(right, d, j)
        expected[(i + 1) * (n + 2) + 1 + j] = (expected[(i + 1) * (n + 2) + 1 + j] as number) - 0.5 * sum
      }
    }
    expect(largest(c, expected), `${m} × ${n} × ${k}`).toBeLessThan(1e-12 * k)
  }
})

test.for(makers)('%s: R is upper triangular and R · Rᵀ is the matrix', async ([, make]) => {
  const multiply = await make()
  for (const n of [1, 3, 64, 65, 150]) {
    const h = secondMoment(n, n)
    const r = h.slice()
    factorUpper(r, n, multiply)
    const product = new Float64Array(n * n)
    multiply(n, n, n, 1, rowMajor(r, n), transposed(rowMajor(r, n)), rowMajor(product, n))
    expect(largest(product, h) / Math.max(...h), `${n}`).toBeLessThan(1e-14 * (n + 1))
    expect(r.every((value, i) => value === 0 || i % n >= Math.floor(i / n))).toBe(true)
    const inverse = new Float64Array(n * n)
    invertUpper(r, n, 0, n, inverse)
    const one = new Float64Array(n * n)
    multiply(n, n, n, 1, rowMajor(inverse, n), rowMajor(r, n), rowMajor(one, n))
    expect(one.every((value, i) => Math.abs(value - (i % (n + 1) === 0 ? 1 : 0)) < 1e-11)).toBe(true)
  }
})

test.for(makers)('%s: X · H = B is solved', async ([, make]) => {
  const multiply = await make()
  for (const [m, n] of [
    [2, 5],
    [7, 130],
  ] as const) {
    const h = secondMoment(n, 5)
    const x = normals(m * n, 6)
    const b = new Float64Array(m * n)
    multiply(m, n, n, 1, rowMajor(x, n), rowMajor(h, n), rowMajor(b, n))
    const r = h.slice()
    factorUpper(r, n, multiply)
    solveFactored(b, m, r, n, multiply)
    expect(largest(b, x)).toBeLessThan(1e-7)
  }
})

test('a matrix that is not positive definite, and NaN, are errors that name the pivot', () => {
  const multiply = createPlainMultiply()
  expect(() => factorUpper(Float64Array.of(1, 2, 2, 1), 2, multiply)).toThrow(
    'cholesky: the matrix is not positive definite (pivot -3 at 0 of 2)',
  )
  expect(() => factorUpper(Float64Array.of(Number.NaN), 1, multiply)).toThrow('pivot NaN at 0 of 1')
})
