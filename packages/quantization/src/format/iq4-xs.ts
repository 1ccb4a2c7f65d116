import { type BlockType, f16At, u16At } from './block-type.ts'
import { iq4Levels, unpackNibbles } from './nibbles.ts'

/**
 * IQ4_XS, 4.25 bits a weight: f16 d, 8 scales of 6 bits (u16 of high pairs, 4 bytes of low nibbles), IQ4_NL's levels;
 * value = d · (scale − 32) · level.
 */
export const iq4_xs: BlockType = {
  id: 'iq4_xs',
  blockSize: 256,
  blockBytes: 136,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    const high = u16At(bytes, offset + 2)
    for (let group = 0; group < 8; group++) {
      const low = ((bytes[offset + 4 + (group >> 1)] as number) >> ((group & 1) * 4)) & 15
      block.scales[group] = d * ((low | (((high >> (group * 2)) & 3) << 4)) - 32)
      unpackNibbles(bytes, offset + 8 + group * 16, iq4Levels, block.codes, group * 32)
    }
  },
}
