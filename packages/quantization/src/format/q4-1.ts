import { type BlockType, f16At } from './block-type.ts'
import { decodeNibbleBlocks, unpackNibbles, unsignedNibbles } from './nibbles.ts'

/** Q4_1, 5 bits a weight: f16 scale, f16 offset, 32 nibbles; value = d · q + m. */
export const q4_1: BlockType = {
  id: 'q4_1',
  blockSize: 32,
  blockBytes: 20,
  groupSize: 32,
  hasMinimum: true,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    block.minimums[0] = -f16At(bytes, offset + 2)
    unpackNibbles(bytes, offset + 4, unsignedNibbles, block.codes, 0)
  },
  decode(bytes, out) {
    decodeNibbleBlocks(bytes, 20, 4, out, (offset, levels) => {
      const scale = f16At(bytes, offset)
      const least = f16At(bytes, offset + 2)
      for (let code = 0; code < 16; code++) levels[code] = Math.fround(scale * code) + least
    })
  },
}
