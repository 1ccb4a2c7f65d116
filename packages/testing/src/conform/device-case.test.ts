import { createReferenceDevice, dense, denseSpec, type Op, type Tensor, toleranceOf } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { values } from '../generate/index.ts'
import type { GoldenOutput } from '../golden/index.ts'
import { conformanceCase, goldenCase } from './device-case.ts'

const doubleOp: Op<{ readonly x: Tensor }, { readonly y: Tensor }, Record<string, never>> = {
  id: 'double',
  version: 1,
  package: 'test',
  validate: ({ x }) => ({ y: dense('f32', denseSpec(x, 'double', 'x').shape) }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost: () => ({ flops: 0, bytesRead: 0, bytesWritten: 0 }),
  reference: ({ x }) => ({ y: x.data.map((value) => 2 * value) }),
}
const problem = { name: 'three', inputs: { x: values([3], [1, 2, 3]) }, options: {} }
const golden = (shape: readonly number[], numbers: readonly number[]): { readonly y: GoldenOutput } => ({
  y: { ...values(shape, numbers), tolerance: { atol: 1e-6, rtol: 1e-6, nmse: 1e-7 }, minMatch: 1 },
})

test('a golden case passes where the values agree and leaves nothing behind', async () => {
  const device = createReferenceDevice()
  await goldenCase(doubleOp, problem, golden([3], [2, 4, 6])).run(device, device)
  expect(device.memory().liveTensors).toBe(0)
})

test('it fails for another value and for another shape', async () => {
  const device = createReferenceDevice()
  await expect(goldenCase(doubleOp, problem, golden([3], [2, 4, 6.1])).run(device, device)).rejects.toThrow(
    'double, golden three, on reference (float64): y: 1 of 3 elements out of bounds; worst element [2]: got 6',
  )
  await expect(goldenCase(doubleOp, problem, golden([1, 3], [2, 4, 6])).run(device, device)).rejects.toThrow(
    'y: got shape [3], expected [1, 3]',
  )
  expect(() => goldenCase(doubleOp, problem, {})).toThrow('three expects no output')
})

test('a conformance case is one problem of conform', async () => {
  const wrong = createReferenceDevice()
  const device = {
    ...wrong,
    run: ((op, inputs, options) =>
      wrong.run(
        { ...op, reference: (host, given, about) => ({ ...op.reference(host, given, about), y: new Float64Array(3) }) },
        inputs,
        options,
      )) as typeof wrong.run,
  }
  await conformanceCase(doubleOp, problem).run(createReferenceDevice(), createReferenceDevice())
  await expect(conformanceCase(doubleOp, problem).run(device, createReferenceDevice())).rejects.toThrow(
    'y: 3 of 3 elements out of bounds',
  )
})
