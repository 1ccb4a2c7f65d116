import { type BlockType, f16At } from './block-type.ts'
import { centredNibbles, decodeNibbleBlocks, unpackNibbles } from './nibbles.ts'

/** Q4_0, 4.5 bits a weight: f16 scale, 32 nibbles; value = d · (q − 8). */
export const q4_0: BlockType = {
  id: 'q4_0',
  blockSize: 32,
  blockBytes: 18,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    unpackNibbles(bytes, offset + 2, centredNibbles, block.codes, 0)
  },
  decode(bytes, out) {
    decodeNibbleBlocks(bytes, 18, 2, out, (offset, levels) => {
      const scale = f16At(bytes, offset)
      for (let code = 0; code < 16; code++) levels[code] = scale * (code - 8)
    })
  },
}
