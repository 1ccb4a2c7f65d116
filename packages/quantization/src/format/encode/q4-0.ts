import { storeF16 } from './f16.ts'
import { extremeOf, f32, sumOfSquares, weighByImportance } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'
import { searchScale } from './search-scale.ts'

/** d = extreme / −8, so that the extreme has the code 0 exactly; with importance, the best of 19 scales. */
export const q4_0Encoder: RowEncoder = {
  id: 'q4_0',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, { codes, weights }) {
    const variance = importance ? f32(sumOfSquares(values, at, count) / count) : 0
    for (let column = 0; column < count; column += 32, at += 32, offset += 18) {
      if (importance) {
        weighByImportance(values, at, importance, column, 32, variance, weights)
        storeF16(out, offset, searchScale(values, at, 32, 8, weights, codes, 0))
      } else {
        storeF16(out, offset, roundFromExtreme(values, at, 8, codes))
      }
      for (let i = 0; i < 16; i++) out[offset + 2 + i] = (codes[i] as number) | ((codes[i + 16] as number) << 4)
    }
  },
}

/** Codes 0 … 2·half − 1 of 32 values for the scale extreme / −half, which is returned. */
export function roundFromExtreme(values: Float32Array, at: number, half: number, codes: Uint8Array): number {
  const d = f32(extremeOf(values, at, 32) / -half)
  const inverse = d ? f32(1 / d) : 0
  const middle = half + 0.5
  const last = 2 * half - 1
  for (let i = 0; i < 32; i++) {
    const code = f32(f32((values[at + i] as number) * inverse) + middle) | 0
    codes[i] = Math.min(code, last)
  }
  return d
}
