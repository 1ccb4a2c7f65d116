import { rowsOf, type WeightPacker } from '@tessera-llm/tensor'
import { blocksOf, createBlockFormat, fitsBlocks, rowBytesOf } from '../format/block-format.ts'
import { type BlockType, ggmlBlockTypes } from '../format/index.ts'

/** Ids of the block types that the WebGPU kernels of this package read. */
const webgpuTypes: readonly string[] = [
  'q4_0',
  'q4_1',
  'q5_0',
  'q5_1',
  'q8_0',
  'q2_k',
  'q3_k',
  'q4_k',
  'q5_k',
  'q6_k',
  'iq4_nl',
  'iq4_xs',
  'tq1_0',
  'tq2_0',
  'mxfp4',
  'nvfp4',
]

/**
 * Packers that keep ggml blocks as the file stores them: one part `blocks`, without a copy. For the reference device
 * every type, for WebGPU those that its kernels read, so that a weight without a kernel is refused when it is loaded.
 */
export function rawPackers(device: 'reference' | 'webgpu'): readonly WeightPacker[] {
  return ggmlBlockTypes
    .filter(({ id }) => device === 'reference' || webgpuTypes.includes(id))
    .map((type) => rawPacker(type, device))
}

function rawPacker(type: BlockType, device: WeightPacker['device']): WeightPacker {
  return {
    source: type.id,
    device,
    format: createBlockFormat(type),
    supports: (shape) => fitsBlocks(type, shape),
    pack: (stored, shape) => ({
      blocks: blocksOf(type.id, { blocks: stored }, rowsOf(shape) * rowBytesOf(type, shape)),
    }),
  }
}
