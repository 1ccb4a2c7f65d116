import {
  createReferenceDevice,
  dense,
  denseSpec,
  type Device,
  type HostTensor,
  type Op,
  type Tensor,
  toleranceOf,
} from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { createPooledDevice } from '../../test/pooled-device.ts'
import { constant, normal, upload } from '../generate/index.ts'
import { conform } from './conform.ts'
import type { OpProblem } from './problem.ts'

type Inputs = { readonly x: Tensor; readonly total: Tensor; readonly offset?: Tensor | undefined }
type Outputs = { readonly y: Tensor }

/** y = 2x + offset; total += x. */
const accumulateOp: Op<Inputs, Outputs, { readonly factor: number }> = {
  id: 'accumulate',
  version: 1,
  package: 'test',
  writes: ['total'],
  validate: ({ x }) => ({ y: dense('f32', denseSpec(x, 'accumulate', 'x').shape) }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost: () => ({ flops: 0, bytesRead: 0, bytesWritten: 0 }),
  reference({ x, total, offset }, { factor }) {
    x.data.forEach((value, index) => {
      total.data[index] = (total.data[index] as number) + value
    })
    return { y: x.data.map((value, index) => factor * value + (offset?.data[index] ?? 0)) }
  },
}

const problems: readonly OpProblem<Inputs, { readonly factor: number }>[] = [
  {
    name: 'plain',
    inputs: { x: normal([2, 3]), total: normal([2, 3], { seed: 2 }), offset: undefined },
    options: { factor: 2 },
  },
  {
    name: 'offset',
    inputs: {
      x: normal([5]),
      total: normal([5], { seed: 2 }),
      offset: (device) => upload(device, normal([5], { seed: 3 })),
    },
    options: { factor: 0.5 },
  },
]

type Data = Readonly<Record<string, Float64Array>>

/** A reference device with one defect in every call. */
function faulty(spoil: (outputs: Record<string, Float64Array>, inputs: Data, call: number) => void): Device {
  const base = createReferenceDevice()
  let call = 0
  return {
    ...base,
    run: (op, inputs, options) =>
      base.run(
        {
          ...op,
          reference(host, given, problem) {
            const outputs = op.reference(host, given, problem)
            const data = Object.fromEntries(
              Object.entries(host).flatMap(([name, tensor]) => (tensor ? [[name, tensor.data]] : [])),
            )
            spoil(outputs as Record<string, Float64Array>, data, call++)
            return outputs
          },
        },
        inputs,
        options,
      ),
  }
}

const reference = createReferenceDevice()

test('a device that is right passes, with a report per problem', async () => {
  const reports = await conform(createReferenceDevice(), reference, accumulateOp, problems)
  expect(reports.map(({ problem, kernel, tensors }) => [problem, kernel, Object.keys(tensors)])).toEqual([
    ['plain', undefined, ['total', 'y']],
    ['offset', undefined, ['total', 'y']],
  ])
  expect(reference.memory().liveTensors).toBe(0)
})

test.for<[string, Parameters<typeof faulty>[0], RegExp]>([
  [
    'a wrong output',
    ({ y }) => {
      if (y) y[1] = (y[1] as number) + 0.01
    },
    /accumulate, plain, on reference \(float64\): y: 1 of 6 elements out of bounds; worst element \[1\]/,
  ],
  [
    'NaN',
    ({ y }) => {
      y?.fill(Number.NaN)
    },
    /y: 6 of 6 elements out of bounds; worst element \[0\]: got NaN/,
  ],
  [
    'a wrong write',
    (_, { total }) => {
      total?.fill(0)
    },
    /total: 6 of 6 elements out of bounds/,
  ],
  [
    'an input that is overwritten',
    (_, { x }) => {
      x?.fill(0)
    },
    /x: the kernel changed an input that the op does not declare in writes/,
  ],
  [
    'a result that differs from call to call',
    ({ y }, _, call) => {
      if (y) y[0] = (y[0] as number) * (1 + call * 1e-7)
    },
    /y: two equal calls gave different bits/,
  ],
])('fails: %s', async ([, spoil, message]) => {
  await expect(conform(faulty(spoil), reference, accumulateOp, problems)).rejects.toThrow(message)
})

test('fails: a replay that differs from the eager call', async () => {
  const base = createReferenceDevice()
  let isCapturing = false
  const replayDiffers: Device = {
    ...base,
    capture(fn) {
      isCapturing = true
      const plan = base.capture(fn)
      isCapturing = false
      return plan
    },
    run: (op, inputs, options) => base.run(op, inputs, isCapturing ? { ...options, factor: 2.0000002 } : options),
  }
  await expect(conform(replayDiffers, reference, accumulateOp, problems)).rejects.toThrow(
    'y: the replayed call gave other bits than the eager one',
  )
})

test('fails: a tensor left behind', async () => {
  const base = createReferenceDevice()
  const leaking: Device = {
    ...base,
    run: (op, inputs, options) => {
      base.empty([1], 'f32')
      return base.run(op, inputs, options)
    },
  }
  await expect(conform(leaking, reference, accumulateOp, problems)).rejects.toThrow('2 tensors are still live')
})

test('another tolerance may be given, and an empty list of problems is refused', async () => {
  const device = faulty(({ y }) => {
    if (y) y[0] = (y[0] as number) + 0.01
  })
  await conform(device, reference, accumulateOp, problems, { tolerance: { atol: 0.1, rtol: 0, nmse: 1 } })
  await expect(conform(device, reference, accumulateOp, [])).rejects.toThrow('accumulate has no problems')
})

test('a device with kernels: the kernel is reported, and skipped elements show although memory may hold the right values', async () => {
  const { writes: _, ...pure } = accumulateOp
  const right = createPooledDevice('accumulate', ({ x, offset, y }) =>
    y?.set((x as Float32Array).map((value, index) => 2 * value + (offset?.[index] ?? 0))),
  )
  const plain = problems.slice(0, 1)
  const doubleOp = {
    ...pure,
    reference: ({ x }: { readonly x: HostTensor }) => ({ y: x.data.map((value) => 2 * value) }),
  }
  expect(await conform(right, reference, doubleOp, plain)).toMatchObject([{ problem: 'plain', kernel: 'only' }])
  const skips = createPooledDevice('accumulate', ({ x, y }) =>
    y?.set((x as Float32Array).subarray(0, -1).map((value) => 2 * value)),
  )
  const zeros: readonly OpProblem<Inputs, { readonly factor: number }>[] = [
    {
      name: 'zeros',
      inputs: { x: constant([4], 0), total: constant([4], 0), offset: undefined },
      options: { factor: 2 },
    },
  ]
  await expect(conform(skips, reference, doubleOp, zeros)).rejects.toThrow(
    'y: 1 of 4 elements out of bounds; worst element [3]: got NaN',
  )
})
