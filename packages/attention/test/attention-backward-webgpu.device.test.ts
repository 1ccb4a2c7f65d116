import { createReferenceDevice, isTesseraError } from '@tessera-llm/tensor'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attentionWebgpu } from '../src/webgpu.ts'
import { backwardConformance, backwardGolden } from './cases/attention-backward.ts'

const reference = createReferenceDevice()
let device: WebGpuDevice
beforeAll(async () => {
  device = await createWebGpuDevice({ gpu: await createTestGpu(), kernels: attentionWebgpu })
})
afterAll(() => device.dispose())

const refused: string[] = []

test.for([...backwardConformance, ...backwardGolden])('$name', async (one) => {
  try {
    await one.run(device, reference, { kernel: 'flash' })
  } catch (error) {
    if (!isTesseraError(error, 'missing-kernel')) throw error
    refused.push(one.name)
  }
})

test('only calls with more inputs than the GPU binds are refused', () => {
  expect(refused).toEqual(device.webgpu.device.limits.maxStorageBuffersPerShaderStage < 10 ? ['everything at once'] : [])
})
