import { type BlockType, f16At } from './block-type.ts'
import { decodeGrid, iq2Levels, lazy, placePoint } from './grid.ts'
import { iq2SGrid } from './grid-data.ts'

const grid = lazy(() => decodeGrid(iq2SGrid, 2, iq2Levels))

/**
 * IQ2_S, 2.5625 bits a weight: 32 low index bytes, 32 sign bytes, 8 bytes of high index pairs, 8 bytes of 4-bit scales,
 * one per 16 weights.
 */
export const iq2_s: BlockType = {
  id: 'iq2_s',
  blockSize: 256,
  blockBytes: 82,
  groupSize: 16,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    for (let group = 0; group < 16; group++) {
      const scale = ((bytes[offset + 74 + (group >> 1)] as number) >> ((group & 1) * 4)) & 15
      block.scales[group] = d * (0.5 + scale) * 0.25
    }
    for (let n = 0; n < 32; n++) {
      const high = ((bytes[offset + 66 + (n >> 2)] as number) >> ((n & 3) * 2)) & 3
      placePoint(
        grid(),
        (bytes[offset + 2 + n] as number) | (high << 8),
        8,
        bytes[offset + 34 + n] as number,
        block.codes,
        n * 8,
      )
    }
  },
}
