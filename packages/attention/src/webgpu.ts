import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'

export { flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'

/** All WebGPU kernels of this package, for `createWebGpuDevice({ kernels })`. */
export const attentionWebgpu: readonly WebGpuKernel[] = [flashWebgpu, plainWebgpu]
