import { type BlockType, f16At } from './block-type.ts'

/** Q8_0, 8.5 bits a weight: f16 scale, 32 signed bytes; value = d · q. */
export const q8_0: BlockType = {
  id: 'q8_0', blockSize: 32, blockBytes: 34, groupSize: 32, hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    block.codes.set(bytes.subarray(offset + 2, offset + 34))
  },
}
