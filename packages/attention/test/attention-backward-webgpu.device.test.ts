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

// Plain shares scores and products with flash. Beside the goldens it gets problems at the ends of tiles, and rows with
// few or no keys.
const forPlain = /f16$|more rows|no key|NaN|everything|packed/
const cases = [...backwardConformance, ...backwardGolden].flatMap((one) => [
  { kernel: 'flash', one, name: one.name },
  ...(backwardGolden.includes(one) || forPlain.test(one.name) ? [{ kernel: 'plain', one, name: one.name }] : []),
])

test.for(cases)('$kernel: $name', async ({ kernel, one }) => {
  try {
    await one.run(device, reference, { kernel })
  } catch (error) {
    if (!isTesseraError(error, 'missing-kernel')) throw error
    refused.push(`${kernel}: ${one.name}`)
  }
})

test('only calls with more inputs than the GPU binds are refused', () => {
  const limit = device.webgpu.device.limits.maxStorageBuffersPerShaderStage
  expect(refused).toEqual(limit < 10 ? ['flash: everything at once', 'plain: everything at once'] : [])
})
