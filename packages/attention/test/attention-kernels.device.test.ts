import { createReferenceDevice, type Shape, type Tensor } from '@tessera-llm/tensor'
import { conform, normal, type OpProblem, upload } from '@tessera-llm/testing'
import { createWebGpuDevice, type WebGpuDevice, type WebGpuKernel } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attention, type AttentionInputs, attentionOp, type AttentionOptions } from '../src/index.ts'
import { attentionWebgpu } from '../src/webgpu.ts'

let device: WebGpuDevice
beforeAll(async () => {
  device = await createWebGpuDevice({ gpu: await createTestGpu(), kernels: attentionWebgpu })
})
afterAll(() => device.dispose())

const tensor = (shape: Shape): Tensor => upload(device, normal(shape))

test.for<[string, Shape, Shape, string]>([
  ['one row', [1, 8, 1, 64], [1, 2, 100, 64], 'decode'],
  ['one row of a very wide group', [1, 71, 1, 64], [1, 1, 100, 64], 'decode'],
  ['4 rows of a group of 4', [1, 8, 4, 64], [1, 2, 100, 64], 'decode'],
  ['9 rows', [1, 2, 9, 64], [1, 2, 100, 64], 'flash'],
  ['4 rows of a group of 16', [1, 16, 4, 64], [1, 1, 100, 64], 'flash'],
  ['a long prefill', [1, 2, 300, 64], [1, 2, 300, 64], 'flash'],
])('%s: the device takes %s', ([, q, kv, kernel]) => {
  const inputs = { q: tensor(q), k: tensor(kv), v: tensor(kv) }
  expect(device.explain(attentionOp, inputs, {}).kernel).toBe(kernel)
})

test('packed sequences go to flash, and decode says why not to it', () => {
  const inputs = {
    q: tensor([1, 2, 1, 16]),
    k: tensor([1, 2, 1, 16]),
    v: tensor([1, 2, 1, 16]),
    cuSeqLens: device.tensor(Int32Array.of(0, 1), [2]),
  }
  const { kernel, candidates } = device.explain(attentionOp, inputs, {})
  expect(kernel).toBe('flash')
  expect(candidates.find((one) => one.kernel === 'decode')?.supported).toMatch(/cuSeqLens/)
})

test('plain refuses scores that do not fit a binding and says their size', () => {
  const q = tensor([1, 64, 1, 1])
  const explain = (length: number) =>
    device.explain(
      attentionOp,
      {
        q: { ...q, shape: [1, 64, length, 1] },
        k: { ...q, shape: [1, 64, length, 1] },
        v: { ...q, shape: [1, 64, length, 1] },
      },
      {},
      { kernel: 'plain' },
    )
  expect(explain(64).kernel).toBe('plain')
  expect(explain(100_000)).toMatchObject({
    kernel: undefined,
    reason: expect.stringMatching(/plain: the scores take 2560000000000 bytes, this GPU binds at most \d+/),
  })
})

test('the order of batch and heads does not change their bits', async () => {
  const width = 7 * 32
  const shuffled = (data: Float32Array, order: readonly number[]): Float32Array =>
    Float32Array.from(order.flatMap((from) => [...data.subarray(from * width, (from + 1) * width)]))
  const data = [1, 2, 3].map((seed) => normal([4, 7, 32], { seed }).data as Float32Array)
  const order = [2, 0, 3, 1]
  for (const kernel of ['plain', 'flash', 'decode']) {
    const run = async (shape: Shape, values: readonly Float32Array[]): Promise<Float32Array> => {
      const [q, k, v] = values.map((one) => device.tensor(one, shape)) as [Tensor, Tensor, Tensor]
      return (await device.read(attention(q, k, v, { isCausal: true }, { kernel }).o)) as Float32Array
    }
    const straight = await run([1, 4, 7, 32], data)
    expect(
      await run(
        [1, 4, 7, 32],
        data.map((one) => shuffled(one, order)),
      ),
    ).toEqual(shuffled(straight, order))
    expect(await run([4, 1, 7, 32], data)).toEqual(straight)
  }
})

describe('with subgroups, here of 4 lanes', () => {
  let hardware: WebGpuDevice
  beforeAll(async () => {
    // A software adapter is left to workgroup memory; what it computes in subgroups counts here.
    const kernels = attentionWebgpu.map(
      (kernel): WebGpuKernel => ({
        ...kernel,
        passes: (problem, capabilities) => kernel.passes(problem, { ...capabilities, isFallback: false }),
      }),
    )
    hardware = await createWebGpuDevice({ gpu: await createTestGpu(), kernels })
  })
  afterAll(() => hardware.dispose())

  test.for(['decode', 'flash'] as const)('%s conforms', async (kernel) => {
    expect(hardware.capabilities.features).toContain('subgroups')
    const problems: OpProblem<AttentionInputs, AttentionOptions>[] = (
      [
        [1, 6, 2, 1, 70, 20],
        [1, 4, 1, 3, 130, 64],
        [2, 9, 1, 4, 67, 36],
        [1, 2, 2, 37, 70, 16],
      ] as const
    ).map(([batch, heads, kvHeads, rows, keys, headDim]) => ({
      name: `${rows} of ${heads} heads over ${keys} of ${kvHeads}`,
      inputs: {
        q: normal([batch, heads, rows, headDim]),
        k: normal([batch, kvHeads, keys, headDim], { seed: 2 }),
        v: normal([batch, kvHeads, keys, headDim], { seed: 3 }),
        sinks: normal([heads], { seed: 4 }),
      },
      options: { isCausal: true },
    }))
    await conform(hardware, createReferenceDevice(), attentionOp, problems, { kernel })
  })
})
