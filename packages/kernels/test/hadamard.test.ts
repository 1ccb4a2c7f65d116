import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { hadamard, hadamardBlock } from '../src/index.ts'
import { hadamardConformance } from './cases/hadamard.ts'

const reference = createReferenceDevice()

test.for(hadamardConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)

test('multiplies rows by the matrix of order 4, block by block', async () => {
  const x = reference.tensor(Float32Array.of(1, 0, 0, 0, 0, 0, 0, 2), [1, 8])
  expect([...(await reference.read(hadamard(x, { block: 4 })))]).toEqual([0.5, 0.5, 0.5, 0.5, 1, -1, -1, 1])
})

test('the largest order that divides an axis is a power of two of at most 4096', () => {
  expect([1, 7, 96, 1536, 2048, 5632, 6912, 8192, 14336].map(hadamardBlock)).toEqual([
    1, 1, 32, 512, 2048, 512, 256, 4096, 2048,
  ])
})
