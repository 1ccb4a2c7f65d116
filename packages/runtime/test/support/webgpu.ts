import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { quantizationWebgpu } from '@tessera-llm/quantization/webgpu'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'

// Kept: Dawn crashes the process when the object that its `create` returns is collected while a device lives.
let gpu: Promise<GPU> | undefined

/** A device with every kernel that a llama model needs, on the test GPU. */
export async function makeWebGpu(): Promise<WebGpuDevice> {
  gpu ??= createTestGpu()
  return createWebGpuDevice({ gpu: await gpu, kernels: [...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu] })
}
