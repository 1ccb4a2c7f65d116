import { type BlockType, f16At } from './block-type.ts'
import { decodeGrid, lazy, placePoint } from './grid.ts'
import { iq3SGrid } from './grid-data.ts'

const grid = lazy(() => decodeGrid(iq3SGrid, 4, [1, 3, 5, 7, 9, 11, 13, 15]))

/**
 * IQ3_S, 3.4375 bits a weight: 64 low index bytes, 8 bytes of ninth bits, 32 sign bytes, 4 bytes of 4-bit scales; value
 * = d · (1 + 2 s) · code.
 */
export const iq3_s: BlockType = {
  id: 'iq3_s',
  blockSize: 256,
  blockBytes: 110,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    for (let group = 0; group < 8; group++) {
      const scale = ((bytes[offset + 106 + (group >> 1)] as number) >> ((group & 1) * 4)) & 15
      block.scales[group] = d * (1 + 2 * scale)
    }
    for (let n = 0; n < 64; n++) {
      const high = ((bytes[offset + 66 + (n >> 3)] as number) >> (n & 7)) & 1
      const signs = (bytes[offset + 74 + (n >> 1)] as number) >> ((n & 1) * 4)
      placePoint(grid(), (bytes[offset + 2 + n] as number) | (high << 8), 4, signs, block.codes, n * 4)
    }
  },
}
