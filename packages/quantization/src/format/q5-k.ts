import type { BlockType } from './block-type.ts'
import { unpackKScales } from './k-scales.ts'
import { unpackNibbles, unsignedNibbles } from './nibbles.ts'

/**
 * Q5_K, 5.5 bits a weight: as Q4_K, with 32 bytes of fifth bits before the nibbles; bit g of byte i belongs to weight i
 * of group g.
 */
export const q5_k: BlockType = {
  id: 'q5_k',
  blockSize: 256,
  blockBytes: 176,
  groupSize: 32,
  hasMinimum: true,
  unpack(bytes, offset, block) {
    const { codes } = block
    unpackKScales(bytes, offset, block)
    for (let pair = 0; pair < 4; pair++)
      unpackNibbles(bytes, offset + 48 + pair * 32, unsignedNibbles, codes, pair * 64, 32)
    for (let i = 0; i < 256; i++)
      codes[i] = (codes[i] as number) | ((((bytes[offset + 16 + (i & 31)] as number) >> (i >> 5)) & 1) << 4)
  },
}
