import { type BlockType, f16At, u32At } from './block-type.ts'
import { decodeGrid, evenSigns, iq2Levels, lazy, placePoint } from './grid.ts'
import { iq2XxsGrid } from './grid-data.ts'

const grid = lazy(() => decodeGrid(iq2XxsGrid, 2, iq2Levels))

/**
 * IQ2_XXS, 2.0625 bits a weight: per 32 weights 4 grid bytes and a u32 of four 7-bit sign sets and a 4-bit scale; value
 * = d · (0.5 + s) / 4 · code.
 */
export const iq2_xxs: BlockType = {
  id: 'iq2_xxs',
  blockSize: 256,
  blockBytes: 66,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    for (let group = 0; group < 8; group++) {
      const at = offset + 2 + group * 8
      const word = u32At(bytes, at + 4)
      block.scales[group] = d * (0.5 + (word >>> 28)) * 0.25
      for (let n = 0; n < 4; n++)
        placePoint(
          grid(),
          bytes[at + n] as number,
          8,
          evenSigns((word >>> (7 * n)) & 127),
          block.codes,
          group * 32 + n * 8,
        )
    }
  },
}
