import { createNullGpu } from '@tessera-tooling/swiftshader'
import { expect, test } from 'vitest'
import { createWebGpuDevice } from '../device/create-webgpu-device.ts'
import { composePass } from '../kernel/prelude.ts'
import { isUsable, type StatedConfig } from './config.ts'
import { verifyingPass, verifyMatrices } from './verify.ts'

/** Configurations known from GPUs; Dawn's null backend accepts all of them. */
const stated = (['f32', 'f16'] as const).flatMap((componentType) =>
  ['f32', 'f16'].flatMap((resultComponentType) =>
    [8, 16].flatMap((M) =>
      [8, 16].flatMap((N) => [8, 16].map((K): StatedConfig => ({ M, N, K, componentType, resultComponentType }))),
    ),
  ),
)
const usable = stated.filter((config) => isUsable(config) === true)

test('the kernel that verifies matrices compiles for every usable configuration, without a warning', async () => {
  const {
    webgpu: { device },
  } = await createWebGpuDevice({ gpu: await createNullGpu(), kernels: [] })
  expect(usable).toHaveLength(16)
  for (const config of usable) {
    const module = device.createShaderModule({ code: composePass(verifyingPass(config)).source })
    expect((await module.getCompilationInfo()).messages.map(({ message }) => message)).toEqual([])
    device.pushErrorScope('validation')
    device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
    expect((await device.popErrorScope())?.message).toBeUndefined()
  }
  device.destroy()
})

test('each configuration says whether it was verified; a device that computes nothing, and one without f16, verify none', async () => {
  const configs: readonly StatedConfig[] = [
    { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' },
    { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f16' },
    { M: 16, N: 16, K: 32, componentType: 'i8', resultComponentType: 'i32' },
    { M: 32, N: 32, K: 8, componentType: 'f32', resultComponentType: 'f32' },
  ]
  const verified = async (features: readonly string[]): Promise<readonly (true | string)[]> => {
    const gpu = await createNullGpu()
    const adapter = (await gpu.requestAdapter()) as GPUAdapter
    const stating = new Proxy(adapter, {
      get(target, name) {
        if (name === 'info') return { ...target.info, subgroupMatrixConfigs: configs }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const {
      webgpu: { device },
    } = await createWebGpuDevice({ gpu, adapter, kernels: [], features })
    const results = await verifyMatrices(stating, device)
    device.destroy()
    return results.map((one) => one.verified)
  }
  expect(await verified(['subgroups', 'shader-f16', 'chromium-experimental-subgroup-matrix'])).toEqual([
    expect.stringMatching(/instead of -?\d+, in row 0 and column 0/),
    'sums in f16 lose too many digits',
    'no kernel multiplies matrices of i8',
    'kernels take sizes of 8 and 16',
  ])
  expect((await verified(['subgroups', 'chromium-experimental-subgroup-matrix']))[0]).toContain('shader-f16')
  expect(await verified(['subgroups'])).toEqual([])
})
