import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { linear, matmul, roundToBlocks } from '../src/index.ts'
import { linearConformance, matmulConformance, productGolden } from './cases/product.ts'

const reference = createReferenceDevice()

test.for(productGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for([...linearConformance, ...matmulConformance])('$name is a problem that the contract takes', (problem) => problem.run(createReferenceDevice(), reference))

test('matmul reads the same products from every storage order and repeats a shared b', async () => {
  const a = reference.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])
  const aT = reference.tensor(Float32Array.of(1, 4, 2, 5, 3, 6), [3, 2])
  const b = reference.tensor(Float32Array.of(1, 0, 0, 1, 1, 1), [3, 2])
  const bT = reference.tensor(Float32Array.of(1, 0, 1, 0, 1, 1), [2, 3])
  const product = Float32Array.of(4, 5, 10, 11)
  expect(await reference.read(matmul(a, b))).toEqual(product)
  expect(await reference.read(matmul(aT, b, { transposeA: true }))).toEqual(product)
  expect(await reference.read(matmul(a, bT, { transposeB: true }))).toEqual(product)
  expect(await reference.read(matmul(aT, bT, { transposeA: true, transposeB: true }))).toEqual(product)
  const batch = reference.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 1, 3])
  const shared = matmul(batch, b)
  expect(shared.shape).toEqual([2, 1, 2])
  expect(await reference.read(shared)).toEqual(product)
})

test('linear adds bias to every row and residual to every element', async () => {
  const x = reference.tensor(Float32Array.of(1, 2, 3, 4), [2, 2])
  const weight = reference.tensor(Float32Array.of(1, 0, 0, 1, 1, 1), [3, 2])
  const bias = reference.tensor(Float32Array.of(10, 20, 30), [3])
  const residual = reference.tensor(Float32Array.of(100, 200, 300, 400, 500, 600), [2, 3])
  expect(await reference.read(linear(x, weight, { bias, residual }))).toEqual(Float32Array.of(111, 222, 333, 413, 524, 637))
})

test('int8 activations are rounded per block of 32: codes of −127 … 127 of the largest magnitude', () => {
  const x = new Float64Array(40)
  x.set([127, -63.4, 0.4, 0.6], 0)
  x.set([1.27, 0.014], 32)
  const rounded = roundToBlocks(x, 40)
  expect([...rounded.subarray(0, 4)]).toEqual([127, -63, 0, 1])
  expect(rounded[32]).toBeCloseTo(1.27, 7)
  expect(rounded[33]).toBeCloseTo(0.01, 7)
  expect(roundToBlocks(new Float64Array(8), 8)).toEqual(new Float64Array(8))
})
