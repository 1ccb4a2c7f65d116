import { embeddingOp, type LinearInputs, linearOp } from '@tessera-llm/kernels'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { specialisedFor } from '../test/specialised.ts'
import { rawPackers } from './index.ts'
import { blockReaders, quantizationWebgpu } from './webgpu.ts'

const packers = rawPackers('webgpu')
let gpu: GPU
let device: WebGpuDevice
let hardware: WebGpuDevice
beforeAll(async () => {
  gpu = await createNullGpu()
  // Nothing optional: what every WebGPU implementation has must do.
  device = await createWebGpuDevice({ gpu, kernels: specialisedFor('software', quantizationWebgpu), features: [] })
  hardware = await createWebGpuDevice({ gpu, kernels: specialisedFor('hardware', quantizationWebgpu), features: [] })
})
afterAll(() => Promise.all([device.dispose(), hardware.dispose()]))

const weightOf = (format: (typeof packers)[number]['format'], shape: readonly number[], on: WebGpuDevice = device) =>
  on.pack(format, shape, Object.fromEntries(Object.entries(format.parts(shape)).map(([name, part]) => [name, new Uint8Array((part.shape[0] ?? 0) * (part.shape[1] ?? 0))])))

it('a packer for WebGPU offers what a reader reads, and nothing else', () => {
  expect(packers.map(({ source }) => source)).toEqual(blockReaders.map(({ name }) => name))
})

it.for(packers)('linear and embedding on $source compile in every size of tile and row', async ({ source, format }) => {
  // Rows of few and many groups: each number of lanes that share a row.
  for (const columns of [256, 512, 768, 2048]) {
    for (const tokens of [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33]) {
      for (const kernel of tokens <= 8 ? [`gemv-${source}`, `tiled-${source}`] : [`tiled-${source}`]) {
        for (const activations of ['f32', 'int8'] as const) {
          const inputs: LinearInputs = { x: device.empty([tokens, columns], 'f32'), weight: weightOf(format, [5, columns]) }
          const launches = await device.webgpu.prepare(() => device.run(linearOp, inputs, { activations }, { kernel }))
          expect(launches).toBe(activations === 'int8' ? 2 : 1)
          inputs.x.dispose()
          inputs.weight.dispose()
        }
      }
    }
  }
  const ids = device.empty([3], 'i32')
  const table = weightOf(format, [5, 256])
  expect(await device.webgpu.prepare(() => device.run(embeddingOp, { ids, weight: table }, {}))).toBe(1)
})

it.for(packers)('one token by $source compiles for hardware with one, two and four rows a lane', async ({ format }) => {
  for (const [rows, columns] of [[5, 256], [5, 768], [5, 2048], [16_385, 256], [32_769, 256]] as const) {
    const weight = weightOf(format, [rows, columns], hardware)
    expect(await hardware.webgpu.prepare(() => hardware.run(linearOp, { x: hardware.empty([1, columns], 'f32'), weight, bias: undefined, residual: undefined }, {}))).toBe(1)
    weight.dispose()
  }
})
