import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { embedding } from '../src/index.ts'
import { embeddingConformance } from './cases/embedding.ts'

const reference = createReferenceDevice()

test.for(embeddingConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)

test('rows are gathered and scaled; ids outside the table give zeros', async () => {
  const weight = reference.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2])
  const y = embedding(reference.tensor(Int32Array.of(2, -1, 0, 3), [2, 2]), weight, { scale: 0.5 })
  expect(y.shape).toEqual([2, 2, 2])
  expect(await reference.read(y)).toEqual(Float32Array.of(2.5, 3, 0, 0, 0.5, 1, 0, 0))
})
