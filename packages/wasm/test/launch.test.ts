import { denseSpec, defineOp, type Format, type Op, type Tensor, toleranceOf, type Weight } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { type Bindings, createWasmDevice, defineWasmKernel, type WasmKernel } from '../src/index.ts'
import { probeKernelsModule } from './generated/probe-kernels.ts'
import { scaleKernel } from './kernels.ts'
import { scaleOp } from './ops.ts'

type Inputs = { readonly x: Tensor; readonly weight: Weight; readonly bias?: Tensor | undefined }

const op: Op<Inputs, { readonly y: Tensor }, { readonly step: number }> = defineOp<
  Inputs,
  { readonly y: Tensor },
  { readonly step: number }
>({
  id: 'test/bind',
  version: 1,
  package: '@tessera-llm/wasm/test',
  validate: ({ x }) => ({ y: denseSpec(x, 'test/bind', 'x') }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost: () => ({ flops: 1, bytesRead: 1, bytesWritten: 1 }),
  reference: ({ x }) => ({ y: x.data }),
})

const format: Format = {
  id: 'test',
  version: 1,
  parts: ([rows = 0]) => ({ scales: { dtype: 'f32', shape: [rows] }, blocks: { dtype: 'u8', shape: [rows, 16] } }),
  decode: () => new Float64Array(0),
}

test('a stage finds its tensors by name: inputs, outputs, parts of packed weights, 0 for what is absent, scratch memory', async () => {
  const seen: Record<string, number>[] = []
  const derived: unknown[] = []
  const kernel = defineWasmKernel(op, {
    name: 'bind',
    module: probeKernelsModule,
    supports: () => true,
    scratchBytes: (problem, threads) => {
      derived.push(problem.options.step, threads)
      return 100
    },
    stages: ({ inputs }) => [
      {
        entry: 'misbehave',
        args(write, at: Bindings) {
          seen.push({
            x: at.address('x'),
            blocks: at.address('weight.blocks'),
            scales: at.address('weight.scales'),
            bias: at.address('bias'),
            y: at.address('y'),
            scratch: at.scratch,
            threads: at.threads,
          })
          // On a thread that is not there: nothing is done.
          write
            .u32(99)
            .u32(0)
            .u32(0)
            .u32(inputs.bias ? 1 : 0)
            .u32(at.address('y'))
        },
      },
    ],
  })
  const device = await createWasmDevice({ kernels: [kernel], threads: 2 })
  const x = device.tensor(Float32Array.of(1), [1])
  const weight = device.pack(format, [4, 32], { scales: new Uint8Array(16), blocks: new Uint8Array(64) })
  const bias = device.tensor(Float32Array.of(1), [1])
  device.run(op, { x, weight }, { step: 1 })
  device.run(op, { x, weight, bias: undefined }, { step: 1 })
  device.run(op, { x, weight, bias }, { step: 1 })
  device.run(op, { x, weight, bias }, { step: 1 })
  expect(seen).toHaveLength(4)
  const [without, undefinedBias, first, second] = seen as [
    Record<string, number>,
    Record<string, number>,
    Record<string, number>,
    Record<string, number>,
  ]
  expect([without['bias'], undefinedBias['bias']]).toEqual([0, 0])
  expect({ ...first, bias: 0, y: 0 }).toEqual({ ...without, y: 0 })
  expect({ ...second, y: 0 }).toEqual({ ...first, y: 0 })
  const { threads, ...addresses } = first
  expect(threads).toBe(2)
  expect(new Set(Object.values(addresses)).size).toBe(6)
  expect(Object.values(addresses).every((address) => address > 0 && address % 64 === 0)).toBe(true)
  // Once for each way to call, not for each call.
  expect(derived).toEqual([1, 2, 1, 2, 1, 2])
  await device.dispose()
})

test('a packed weight has no address of its own, and a dense one no parts', async () => {
  const asks = async (name: string): Promise<string> => {
    const kernel = defineWasmKernel(op, {
      name: 'ask',
      module: probeKernelsModule,
      supports: () => true,
      stages: () => [{ entry: 'misbehave', args: (_, at) => void at.address(name) }],
    })
    const device = await createWasmDevice({ kernels: [kernel], threads: 1 })
    const inputs = {
      x: device.tensor(Float32Array.of(1), [1]),
      weight: device.pack(format, [4, 32], { scales: new Uint8Array(16), blocks: new Uint8Array(64) }),
    }
    try {
      device.run(op, inputs, { step: 1 })
      return 'found'
    } catch (error) {
      return String(error)
    } finally {
      await device.dispose()
    }
  }
  expect(await asks('weight.blocks')).toBe('found')
  for (const name of ['weight', 'weight.zeros', 'x.blocks'])
    expect(await asks(name)).toContain(
      `asks for the address of ${name}, which is no output, no dense input and no part of a packed one`,
    )
})

test('thousands of lengths are forgotten again, a length in use is not, and a plan from before them replays', async () => {
  const derived: number[] = []
  const kernel: WasmKernel = {
    ...scaleKernel,
    stages(problem, capabilities) {
      derived.push(problem.inputs['x']?.shape[0] ?? 0)
      return scaleKernel.stages(problem, capabilities)
    },
  }
  const device = await createWasmDevice({ kernels: [kernel], threads: 1 })
  const scale = (length: number): Tensor => {
    const x = device.tensor(new Float32Array(length).fill(3), [length])
    const { y } = device.run(scaleOp, { x }, { factor: 2 })
    x.dispose()
    return y
  }
  const plan = device.capture(() => scale(2))
  for (let length = 10; length < 5010; length++) {
    scale(length).dispose()
    scale(1).dispose()
  }
  expect(derived).toHaveLength(5002)
  derived.length = 0
  scale(10).dispose()
  expect(derived).toEqual([10])
  plan.replay()
  expect([...(await device.read(plan.result))]).toEqual([6, 6])
  plan.dispose()
  await device.dispose()
})
