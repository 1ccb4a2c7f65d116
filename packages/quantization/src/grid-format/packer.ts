import type { WeightPacker } from '@tessera-llm/tensor'
import { type GridFormat, matrixShape, splitParts } from './grid-format.ts'

/**
 * The packer of a grid's matrices for the reference device or WebGPU: stored as `joinParts` gives them, kept as they
 * are.
 */
export function gridPacker(format: GridFormat, device: 'reference' | 'webgpu' = 'reference'): WeightPacker {
  return {
    source: format.id,
    device,
    format,
    supports: (shape) => shape.length === 2 || `${format.id} holds matrices`,
    pack(stored, shape) {
      matrixShape(format.id, shape)
      return splitParts(format, stored, shape)
    },
  }
}
