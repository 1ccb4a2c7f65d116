import type { BlockType } from './block-type.ts'
import { doubledE2M1, unpackNibbles } from './nibbles.ts'

/** MXFP4, 4.25 bits a weight: an e8m0 exponent byte e, 32 e2m1 nibbles; value = 2^(e − 128) · doubled e2m1. */
export const mxfp4: BlockType = {
  id: 'mxfp4',
  blockSize: 32,
  blockBytes: 17,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales[0] = 2 ** ((bytes[offset] as number) - 128)
    unpackNibbles(bytes, offset + 1, doubledE2M1, block.codes, 0)
  },
}
