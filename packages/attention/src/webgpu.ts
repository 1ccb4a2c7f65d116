import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { decodeWebgpu, flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'

export { decodeWebgpu, flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'

/** All WebGPU kernels of this package, for `createWebGpuDevice({ kernels })`. */
export const attentionWebgpu: readonly WebGpuKernel[] = [decodeWebgpu, flashWebgpu, plainWebgpu]
