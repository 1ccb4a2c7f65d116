import { encodeRangeBlock, type RangeSearch } from './range-block.ts'
import type { RowEncoder } from './row-encoder.ts'
import { packTwoBits } from './two-bits.ts'

const search: RangeSearch = {
  groupSize: 16,
  lastCode: 3,
  lastScale: 15,
  first: -0.5,
  steps: 15,
  absolute: true,
  varianceFactor: 1,
  weigh(values, at, weights) {
    for (let i = 0; i < 16; i++) weights[i] = Math.abs(values[at + i] as number)
  },
}

/**
 * Groups by the least absolute error, values weighing their magnitudes; with importance, by the least weighted square.
 */
export const q2_kEncoder: RowEncoder = {
  id: 'q2_k',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    const { codes, scaleCodes, minimumCodes } = scratch
    for (let column = 0; column < count; column += 256, at += 256, offset += 84) {
      encodeRangeBlock(search, values, at, importance, column, out, offset + 80, scratch)
      for (let group = 0; group < 16; group++)
        out[offset + group] = (scaleCodes[group] as number) | ((minimumCodes[group] as number) << 4)
      packTwoBits(codes, out, offset + 16)
    }
  },
}
