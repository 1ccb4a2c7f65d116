import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { quantizationWebgpu } from '@tessera-llm/quantization/webgpu'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'

/** A device with every kernel that a llama model needs, on the test GPU. */
export async function makeWebGpu(): Promise<WebGpuDevice> {
  return createWebGpuDevice({
    gpu: await createTestGpu(),
    kernels: [...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu],
  })
}
