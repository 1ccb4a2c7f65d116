import { createReferenceDevice } from '@tessera-llm/tensor'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { attentionWebgpu } from '../src/webgpu.ts'
import { attentionConformance, packedConformance } from './cases/attention.ts'
import { attentionGolden } from './cases/golden.ts'

const reference = createReferenceDevice()
let device: WebGpuDevice
beforeAll(async () => {
  device = await createWebGpuDevice({ gpu: await createTestGpu(), kernels: attentionWebgpu })
})
afterAll(() => device.dispose())

describe.for(['plain', 'flash', 'decode'] as const)('%s', (kernel) => {
  const takesPacked = kernel !== 'decode'
  test.for([...attentionConformance, ...(takesPacked ? packedConformance : [])])('conforms: $name', (one) => one.run(device, reference, { kernel }))
  test.for(attentionGolden.filter(({ name }) => takesPacked || !name.startsWith('varlen')))('gives the golden of $name', (one) => one.run(device, reference, { kernel }))
})
