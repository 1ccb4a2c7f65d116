import { type BlockType, f16At, u16At } from './block-type.ts'
import { decodeGrid, evenSigns, iq2Levels, lazy, placePoint } from './grid.ts'
import { iq2XsGrid } from './grid-data.ts'

const grid = lazy(() => decodeGrid(iq2XsGrid, 2, iq2Levels))

/**
 * IQ2_XS, 2.3125 bits a weight: 32 u16 of a 9-bit grid index and 7 sign bits, 8 bytes of 4-bit scales, one per 16
 * weights.
 */
export const iq2_xs: BlockType = {
  id: 'iq2_xs',
  blockSize: 256,
  blockBytes: 74,
  groupSize: 16,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    for (let group = 0; group < 16; group++) {
      const scale = ((bytes[offset + 66 + (group >> 1)] as number) >> ((group & 1) * 4)) & 15
      block.scales[group] = d * (0.5 + scale) * 0.25
    }
    for (let n = 0; n < 32; n++) {
      const word = u16At(bytes, offset + 2 + n * 2)
      placePoint(grid(), word & 511, 8, evenSigns(word >> 9), block.codes, n * 8)
    }
  },
}
