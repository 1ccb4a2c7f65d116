import { createReferenceDevice } from '@tessera-llm/tensor'
import { test } from 'vitest'
import { activationConformance, activationGolden } from './cases/activation.ts'

const reference = createReferenceDevice()

test.for(activationGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for(activationConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)
