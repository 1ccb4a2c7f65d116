import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { decodeWebgpu, flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'
import { kvAppendWebgpu } from './kv-append/webgpu/kernel.ts'

export { decodeWebgpu, flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'
export { kvAppendWebgpu } from './kv-append/webgpu/kernel.ts'

/** All WebGPU kernels of this package, for `createWebGpuDevice({ kernels })`. */
export const attentionWebgpu: readonly WebGpuKernel[] = [decodeWebgpu, flashWebgpu, plainWebgpu, kvAppendWebgpu]
