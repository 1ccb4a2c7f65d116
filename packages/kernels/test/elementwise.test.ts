import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { add, multiply, scale } from '../src/index.ts'
import { elementwiseConformance } from './cases/elementwise.ts'

const reference = createReferenceDevice()

test.for(elementwiseConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)

test('add, multiply and scale are what they say, b repeated over the leading axes of a', async () => {
  const a = reference.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])
  const b = reference.tensor(Float32Array.of(10, 20, 30), [3])
  expect(await reference.read(add(a, b))).toEqual(Float32Array.of(11, 22, 33, 14, 25, 36))
  expect(await reference.read(multiply(a, b))).toEqual(Float32Array.of(10, 40, 90, 40, 100, 180))
  expect(await reference.read(scale(a, { factor: -2 }))).toEqual(Float32Array.of(-2, -4, -6, -8, -10, -12))
})
