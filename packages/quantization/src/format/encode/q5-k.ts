import { packKScales } from './k-scales.ts'
import { packNibblePairs, weighByMagnitude } from './q4-k.ts'
import { encodeRangeBlock, type RangeSearch } from './range-block.ts'
import type { RowEncoder } from './row-encoder.ts'

const search: RangeSearch = {
  groupSize: 32,
  lastCode: 31,
  lastScale: 63,
  first: -0.5,
  steps: 15,
  absolute: false,
  varianceFactor: 2,
  weigh: weighByMagnitude,
}

/** Q4_K with codes 0 … 31, the fifth bits before the nibbles. */
export const q5_kEncoder: RowEncoder = {
  id: 'q5_k',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    const { codes } = scratch
    for (let column = 0; column < count; column += 256, at += 256, offset += 176) {
      encodeRangeBlock(search, values, at, importance, column, out, offset, scratch)
      packKScales(scratch.scaleCodes, scratch.minimumCodes, out, offset + 4)
      for (let i = 0; i < 256; i++)
        out[offset + 16 + (i & 31)] =
          (out[offset + 16 + (i & 31)] as number) | (((codes[i] as number) >> 4) << (i >> 5))
      packNibblePairs(codes, out, offset + 48)
    }
  },
}
