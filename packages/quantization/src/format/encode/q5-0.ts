import { storeF16 } from './f16.ts'
import { roundFromExtreme } from './q4-0.ts'
import { f32, sumOfSquares, weighByImportance } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'
import { searchScale } from './search-scale.ts'

/** Q4_0 with d = extreme / −16. */
export const q5_0Encoder: RowEncoder = {
  id: 'q5_0',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, { codes, weights }) {
    const variance = importance ? f32(sumOfSquares(values, at, count) / count) : 0
    for (let column = 0; column < count; column += 32, at += 32, offset += 22) {
      if (importance) {
        weighByImportance(values, at, importance, column, 32, variance, weights)
        storeF16(out, offset, searchScale(values, at, 32, 16, weights, codes, 0))
      } else {
        storeF16(out, offset, roundFromExtreme(values, at, 16, codes))
      }
      packFiveBits(codes, out, offset + 2)
    }
  },
}

/** 32 codes 0 … 31 to 4 bytes of high bits followed by 16 bytes of nibbles. */
export function packFiveBits(codes: Uint8Array, out: Uint8Array, offset: number): void {
  let high = 0
  for (let i = 0; i < 16; i++) {
    const low = codes[i] as number
    const up = codes[i + 16] as number
    out[offset + 4 + i] = (low & 15) | ((up & 15) << 4)
    high |= ((low >> 4) << i) | ((up >> 4) << (i + 16))
  }
  for (let byte = 0; byte < 4; byte++) out[offset + byte] = high >> (byte * 8)
}
