import { storeRange } from './q4-1.ts'
import { packFiveBits } from './q5-0.ts'
import { f32, sumOfSquares } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'

/** Q4_1 with d = range / 31. */
export const q5_1Encoder: RowEncoder = {
  id: 'q5_1',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    const variance = importance ? f32(sumOfSquares(values, at, count) / count) : 0
    for (let column = 0; column < count; column += 32, at += 32, offset += 24) {
      storeRange(values, at, 31, importance, column, variance, out, offset, scratch)
      packFiveBits(scratch.codes, out, offset + 4)
    }
  },
}
