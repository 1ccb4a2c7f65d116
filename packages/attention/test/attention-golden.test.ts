import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { attentionGolden } from './cases/golden.ts'

const reference = createReferenceDevice()

test('all 51 cases of the golden are there, and the four with sinks twice', () => {
  expect(attentionGolden.length).toBe(55)
})

test.for(attentionGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
