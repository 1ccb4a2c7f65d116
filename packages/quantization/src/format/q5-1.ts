import { type BlockType, f16At } from './block-type.ts'
import { unpackFiveBits } from './q5-0.ts'

/** Q5_1, 6 bits a weight: f16 scale, f16 offset, 32 high bits, 32 nibbles; value = d · q + m. */
export const q5_1: BlockType = {
  id: 'q5_1',
  blockSize: 32,
  blockBytes: 24,
  groupSize: 32,
  hasMinimum: true,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    block.minimums[0] = -f16At(bytes, offset + 2)
    unpackFiveBits(bytes, offset + 4, block.codes)
  },
}
