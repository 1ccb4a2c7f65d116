import type { WeightPacker } from '@tessera-llm/tensor'
import { rows8Packers } from '../rows8/index.ts'
import { rawPackers } from './raw.ts'

/**
 * Packers of ggml's block types for every device: rows of eight for WebAssembly, as stored for WebGPU and the
 * reference.
 */
export const ggmlPackers: readonly WeightPacker[] = [
  ...rows8Packers,
  ...rawPackers('webgpu'),
  ...rawPackers('reference'),
]
