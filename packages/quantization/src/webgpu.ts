import { embeddingKernel, linearKernels } from '@tessera-llm/kernels/webgpu'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { blockReaders } from './block-reader/index.ts'

export { blockReaders } from './block-reader/index.ts'

/** Every kernel of this package for the WebGPU device: `linear` and `embedding` on ggml blocks as stored. None needs an optional feature. */
export const quantizationWebgpu: readonly WebGpuKernel[] = [...blockReaders.flatMap(linearKernels), ...blockReaders.map(embeddingKernel)]
