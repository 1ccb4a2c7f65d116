import { type BlockType, f16At } from './block-type.ts'
import { unpackTwoBits } from './q2-k.ts'

/** TQ2_0, 2.0625 bits a weight: 64 bytes of 2-bit codes, f16 d; value = d · (q − 1). */
export const tq2_0: BlockType = {
  id: 'tq2_0',
  blockSize: 256,
  blockBytes: 66,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales.fill(f16At(bytes, offset + 64))
    unpackTwoBits(bytes, offset, 1, block.codes)
  },
}
