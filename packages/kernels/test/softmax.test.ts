import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { crossEntropy, logSoftmax, softmax } from '../src/index.ts'
import { softmaxConformance, softmaxGolden } from './cases/softmax.ts'

const reference = createReferenceDevice()

test.for(softmaxGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for(softmaxConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)

test('a fully masked row shares its probability equally, also as logarithm and as loss', async () => {
  const x = reference.tensor(new Float32Array(4).fill(Number.NEGATIVE_INFINITY), [1, 4])
  expect(await reference.read(softmax(x))).toEqual(Float32Array.of(0.25, 0.25, 0.25, 0.25))
  expect((await reference.read(logSoftmax(x)))[0]).toBeCloseTo(-Math.log(4), 6)
  expect((await reference.read(crossEntropy(x, reference.tensor(Int32Array.of(2), [1])).nll))[0]).toBeCloseTo(
    Math.log(4),
    6,
  )
})
