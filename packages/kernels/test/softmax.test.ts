import { createReferenceDevice } from '@tessera-llm/tensor'
import { test } from 'vitest'
import { softmaxConformance, softmaxGolden } from './cases/softmax.ts'

const reference = createReferenceDevice()

test.for(softmaxGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for(softmaxConformance)('$name is a problem that the contract takes', (problem) => problem.run(createReferenceDevice(), reference))
