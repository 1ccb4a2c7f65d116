import { createReferenceDevice } from '@tessera-llm/tensor'
import { test } from 'vitest'
import { normConformance, normGolden } from './cases/norm.ts'

const reference = createReferenceDevice()

test.for(normGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for(normConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)
