import { createReferenceDevice } from '@tessera-llm/tensor'
import { test } from 'vitest'
import { selectionConformance, selectionGolden } from './cases/selection.ts'

const reference = createReferenceDevice()

test.for(selectionGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for(selectionConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)
