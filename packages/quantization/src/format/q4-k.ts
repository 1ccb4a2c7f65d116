import type { BlockType } from './block-type.ts'
import { unpackKScales } from './k-scales.ts'
import { unpackNibbles, unsignedNibbles } from './nibbles.ts'

/**
 * Q4_K, 4.5 bits a weight: 8 groups of 32 with 6-bit scale and minimum; 32 bytes hold two groups, the first in the low
 * nibbles.
 */
export const q4_k: BlockType = {
  id: 'q4_k',
  blockSize: 256,
  blockBytes: 144,
  groupSize: 32,
  hasMinimum: true,
  unpack(bytes, offset, block) {
    unpackKScales(bytes, offset, block)
    for (let pair = 0; pair < 4; pair++)
      unpackNibbles(bytes, offset + 16 + pair * 32, unsignedNibbles, block.codes, pair * 64, 32)
  },
}
