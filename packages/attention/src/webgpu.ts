import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { decodeWebgpu, flashMatrixWebgpu, flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'
import { flashBackwardWebgpu, plainBackwardWebgpu } from './attention-backward/webgpu/kernel.ts'
import { kvAppendWebgpu } from './kv-append/webgpu/kernel.ts'
import { kvCopyPageWebgpu } from './kv-copy-page/webgpu.ts'
import { kvStoreWebgpu } from './kv-store/webgpu/kernel.ts'
import { ropeAppendWebgpu } from './rope-append/webgpu/kernel.ts'

export { decodeWebgpu, flashMatrixWebgpu, flashWebgpu, plainWebgpu } from './attention/webgpu/index.ts'
export { flashBackwardWebgpu, plainBackwardWebgpu } from './attention-backward/webgpu/kernel.ts'
export { kvAppendWebgpu } from './kv-append/webgpu/kernel.ts'
export { kvCopyPageWebgpu } from './kv-copy-page/webgpu.ts'
export { kvStoreWebgpu } from './kv-store/webgpu/kernel.ts'
export { ropeAppendWebgpu } from './rope-append/webgpu/kernel.ts'

/** All WebGPU kernels of this package, for `createWebGpuDevice({ kernels })`. */
export const attentionWebgpu: readonly WebGpuKernel[] = [
  decodeWebgpu,
  flashMatrixWebgpu,
  flashWebgpu,
  plainWebgpu,
  flashBackwardWebgpu,
  plainBackwardWebgpu,
  kvAppendWebgpu,
  kvCopyPageWebgpu,
  kvStoreWebgpu,
  ropeAppendWebgpu,
]
