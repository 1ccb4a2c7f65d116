import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packedEmbeddingProblems, packedLinearProblems } from '../test/problems/index.ts'
import { specialisedFor } from '../test/specialised.ts'
import { ggmlPackers, rawPackers } from './index.ts'
import { quantizationWebgpu } from './webgpu.ts'

const reference = createReferenceDevice()
const types = rawPackers('webgpu').map(({ source }) => source)
let gpu: GPU
let device: WebGpuDevice
let hardware: WebGpuDevice
beforeAll(async () => {
  gpu = await createTestGpu()
  device = await createWebGpuDevice({ gpu, kernels: quantizationWebgpu })
  hardware = await createWebGpuDevice({ gpu, kernels: specialisedFor('hardware', quantizationWebgpu) })
})
afterAll(() => Promise.all([device.dispose(), hardware.dispose()]))

it.for(types)('linear on %s', async (type) => {
  const reports = await conform(device, reference, linearOp, packedLinearProblems(type, ggmlPackers))
  expect(new Set(reports.map(({ kernel }) => kernel))).toEqual(new Set([`gemv-${type}`, `tiled-${type}`]))
})

/** Up to 8 tokens of f32: where a token or two makes the kernel another one. */
const fewTokens = (type: string) => packedLinearProblems(type, ggmlPackers).filter(({ name }) => /, f32, \d × /.test(name))
it.for(types)('linear on %s as it specialises for hardware', async (type) => void (await conform(hardware, reference, linearOp, fewTokens(type))))
it.for(types)('linear on %s, tiles also for few tokens', async (type) => void (await conform(device, reference, linearOp, fewTokens(type), { kernel: `tiled-${type}` })))

it.for(types)('embedding on %s', async (type) => void (await conform(device, reference, embeddingOp, packedEmbeddingProblems(type, ggmlPackers))))
