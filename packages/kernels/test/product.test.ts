import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { type LinearOptions, linear, linearOp, matmul, type Rounding, roundInput, roundingOf } from '../src/index.ts'
import { linearConformance, matmulConformance, productGolden } from './cases/product.ts'

const reference = createReferenceDevice()

test.for(productGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for([...linearConformance, ...matmulConformance])('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)

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
  expect(await reference.read(linear(x, weight, { bias, residual }))).toEqual(
    Float32Array.of(111, 222, 333, 413, 524, 637),
  )
})

const packed = {
  kind: 'packed',
  format: { id: 'any', version: 1, parts: () => ({}), decode: () => new Float64Array() },
  shape: [1, 40],
} as const
const rounding = (options: LinearOptions, columns: number): Rounding => roundingOf(packed, options, columns) as Rounding

test('int8 activations are rounded per block of 32: codes of −127 … 127 of the largest magnitude', () => {
  const x = new Float64Array(40)
  x.set([127, -63.4, 0.4, 0.6], 0)
  x.set([1.27, 0.014], 32)
  const rounded = roundInput(x, 40, rounding({ activations: 'int8' }, 40))
  expect([...rounded.subarray(0, 4)]).toEqual([127, -63, 0, 1])
  expect(rounded[32]).toBeCloseTo(1.27, 7)
  expect(rounded[33]).toBeCloseTo(0.01, 7)
  expect(roundInput(new Float64Array(8), 8, rounding({ activations: 'int8' }, 8))).toEqual(new Float64Array(8))
})

test('static int8 activations have the given scale in every row: halves go to even, what lies beyond 127 of them saturates', () => {
  const x = Float64Array.of(0.5, -0.75, 1.25, 0.2, 63.5, -63.5, 64, -1000, Number.MAX_VALUE, 0)
  expect([...roundInput(x, 5, rounding({ activations: 'int8-static', inputScale: 0.5 }, 5))]).toEqual([
    0.5, -1, 1, 0, 63.5, -63.5, 63.5, -63.5, 63.5, 0,
  ])
})

test('int4 activations have codes of −8 … 7 and a scale a token, by 0.9 of the largest magnitude', () => {
  // The limit is 7, so the scale is 1.
  const x = Float64Array.of(7.7777777, 6.4, 0.49, -0.51, -7.7777777, 0, 0, 0, 0, 0)
  const rounded = roundInput(x, 5, rounding({ activations: 'int4-token' }, 5))
  for (const [index, code] of [7, 6, 0, -1, -8, 0, 0, 0, 0, 0].entries()) expect(rounded[index]).toBeCloseTo(code, 5)
})

test.for([undefined, 0, -0.1, Number.NaN, Number.POSITIVE_INFINITY, 1e-38])(
  'static int8 activations refuse the scale %s',
  (inputScale) => {
    const call = (): unknown =>
      linearOp.validate(
        { x: { kind: 'dense', dtype: 'f32', shape: [1, 40] }, weight: packed },
        { activations: 'int8-static', inputScale },
      )
    expect(call).toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        message: expect.stringContaining(
          'linear: the activations int8-static need an inputScale that is positive and finite',
        ),
      }),
    )
  },
)

test('a dense weight needs no scale, because nothing is rounded', async () => {
  const [x, weight] = [reference.tensor(Float32Array.of(1, 2), [1, 2]), reference.tensor(Float32Array.of(3, 4), [1, 2])]
  expect(await reference.read(linear(x, weight, { activations: 'int8-static' }))).toEqual(Float32Array.of(11))
})
