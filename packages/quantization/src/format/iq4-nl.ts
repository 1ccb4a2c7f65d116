import { type BlockType, f16At } from './block-type.ts'
import { iq4Levels, unpackNibbles } from './nibbles.ts'

/** IQ4_NL, 4.5 bits a weight: f16 scale, 32 nibbles that index 16 non-uniform levels. */
export const iq4_nl: BlockType = {
  id: 'iq4_nl',
  blockSize: 32,
  blockBytes: 18,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    unpackNibbles(bytes, offset + 2, iq4Levels, block.codes, 0)
  },
}
