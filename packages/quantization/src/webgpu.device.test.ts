import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packedEmbeddingProblems, packedLinearProblems } from '../test/problems/index.ts'
import { ggmlPackers, rawPackers } from './index.ts'
import { quantizationWebgpu } from './webgpu.ts'

const reference = createReferenceDevice()
const types = rawPackers('webgpu').map(({ source }) => source)
let gpu: GPU
let device: WebGpuDevice
beforeAll(async () => {
  gpu = await createTestGpu()
  device = await createWebGpuDevice({ gpu, kernels: quantizationWebgpu })
})
afterAll(() => device.dispose())

it.for(types)('linear on %s', async (type) => {
  const reports = await conform(device, reference, linearOp, packedLinearProblems(type, ggmlPackers))
  expect(new Set(reports.map(({ kernel }) => kernel))).toEqual(new Set([`gemv-${type}`, `tiled-${type}`]))
})
it.for(types)('linear on %s, tiles also for few tokens', async (type) => void (await conform(device, reference, linearOp, packedLinearProblems(type, ggmlPackers), { kernel: `tiled-${type}` })))
it.for(types)('embedding on %s', async (type) => void (await conform(device, reference, embeddingOp, packedEmbeddingProblems(type, ggmlPackers))))
