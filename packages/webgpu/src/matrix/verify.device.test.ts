import { createTestGpu } from '@tessera-tooling/swiftshader'
import { emulateMatrices } from '@tessera-tooling/swiftshader/matrices'
import { beforeAll, describe, expect, test } from 'vitest'
import type { WebGpuPass } from '../kernel/kernel.ts'
import type { StatedConfig } from './config.ts'
import { tryMatrices, verifyingPass } from './verify.ts'

let device: GPUDevice
beforeAll(async () => {
  const gpu = await createTestGpu()
  const adapter = (await gpu.requestAdapter()) as GPUAdapter
  device = await adapter.requestDevice({
    requiredLimits: { maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize },
  })
  kept.push(gpu, adapter)
})
// Keeps the objects alive: the binding must not outlive them.
const kept: unknown[] = []

const configs: readonly StatedConfig[] = [
  { M: 8, N: 8, K: 8, componentType: 'f32', resultComponentType: 'f32' },
  { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' },
  { M: 8, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' },
  { M: 16, N: 8, K: 16, componentType: 'f16', resultComponentType: 'f32' },
]

describe.for(configs)('$M × $N × $K of $componentType, emulated', (config) => {
  const replaced = (pass: WebGpuPass, from: string, to: string): WebGpuPass => {
    const fragments = pass.fragments?.map((text) => text.replace(from, to)) ?? []
    expect(fragments).not.toEqual(pass.fragments)
    return { ...pass, fragments }
  }

  test.for([4, 16, 32, 128])('subgroups of %i lanes give what is expected', async (width) => {
    expect(await tryMatrices(device, config, emulateMatrices(verifyingPass(config), width))).toBe(true)
  })

  test.for<[string, string, string]>([
    ['columns taken for rows', 'components[at + k * stride + n]', 'components[at + n * stride + k]'],
    ['a stride that is misread', 'components[at + row * stride + k]', 'components[at + row * K + k]'],
    ['a sum that is not taken along', 'var matrix = sum;', 'var matrix = Result();'],
    [
      'numbers below 2^-14 taken for 0',
      'matrix[k][n] = components[at + n * stride + k];',
      'let tiny = components[at + n * stride + k]; matrix[k][n] = select(tiny, 0.0, abs(tiny) < 0x1p-14f);',
    ],
    ['sums in f16', 'a[i][k] * b[k][n];', 'a[i][k] * b[k][n]; matrix[i][n] = quantizeToF16(matrix[i][n]);'],
    ['subgroups that all do the work of the first', 'return invocation.lane / WIDTH;', 'return 0u;'],
  ])('%s: the reason names the first wrong number', async ([, from, to]) => {
    expect(await tryMatrices(device, config, replaced(emulateMatrices(verifyingPass(config), 32), from, to))).toMatch(
      /^a sum of products of known matrices is \S+ instead of \S+, in row \d+ and column \d+$/,
    )
  })
})

test('what the device cannot compile is a reason, and no error of the device', async () => {
  const errors: string[] = []
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message))
  expect(await tryMatrices(device, configs[0] as StatedConfig)).toMatch(/could not be computed/)
  await device.queue.onSubmittedWorkDone()
  expect(errors).toEqual([])
})
