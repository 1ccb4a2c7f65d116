import { type BlockType, f16At, u32At } from './block-type.ts'
import { decodeGrid, evenSigns, lazy, placePoint } from './grid.ts'
import { iq3XxsGrid } from './grid-data.ts'

const grid = lazy(() => decodeGrid(iq3XxsGrid, 4, [4, 12, 20, 28, 36, 44, 52, 62]))

/**
 * IQ3_XXS, 3.0625 bits a weight: 64 grid bytes (4 weights each), per 32 weights a u32 of four 7-bit sign sets and a
 * 4-bit scale; value = d · (0.5 + s) / 2 · code.
 */
export const iq3_xxs: BlockType = {
  id: 'iq3_xxs',
  blockSize: 256,
  blockBytes: 98,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    for (let group = 0; group < 8; group++) {
      const word = u32At(bytes, offset + 66 + group * 4)
      block.scales[group] = d * (0.5 + (word >>> 28)) * 0.5
      for (let n = 0; n < 8; n++) {
        const signs = evenSigns((word >>> (7 * (n >> 1))) & 127) >> ((n & 1) * 4)
        placePoint(grid(), bytes[offset + 2 + group * 8 + n] as number, 4, signs, block.codes, group * 32 + n * 4)
      }
    }
  },
}
