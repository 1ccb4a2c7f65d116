import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import { attentionWebgpu } from '../../src/webgpu.ts'

/** Limits that every implementation of WebGPU has. */
const baseLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
}

/** Dawn's null backend with no more than the base limits and no features: what compiles here compiles everywhere. */
export async function createBaseDevice(): Promise<WebGpuDevice> {
  const gpu = await createNullGpu()
  const adapter = (await gpu.requestAdapter()) as GPUAdapter
  const limits = new Proxy(adapter.limits, {
    get: (target, name) => baseLimits[name as keyof typeof baseLimits] ?? Reflect.get(target, name, target),
  })
  const limited = new Proxy(adapter, {
    get(target, name) {
      if (name === 'limits') return limits
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return createWebGpuDevice({ gpu, adapter: limited, kernels: attentionWebgpu, features: [] })
}
