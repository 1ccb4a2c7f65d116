import { embeddingKernel, gatedLinearKernel, linearKernels, qkvLinearKernel } from '@tessera-llm/kernels/webgpu'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { blockReaders } from './block-reader/index.ts'
import { gridReader } from './grid-reader/index.ts'

export { blockReaders } from './block-reader/index.ts'
export { gridReader } from './grid-reader/index.ts'

const readers = [...blockReaders, gridReader]

/**
 * Every kernel of this package for the WebGPU device: `linear`, its fused forms and `embedding` on ggml blocks and on
 * grids (integers and tables), as they are stored. No op needs an optional feature.
 */
export const quantizationWebgpu: readonly WebGpuKernel[] = [
  ...readers.flatMap(linearKernels),
  ...readers.map(embeddingKernel),
  qkvLinearKernel('packed', readers),
  gatedLinearKernel('packed', readers),
]
