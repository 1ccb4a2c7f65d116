import { storeF16 } from './f16.ts'
import { f32, sumOfSquares, weighByImportance } from './rounding.ts'
import type { RowEncoder, Scratch } from './row-encoder.ts'
import { searchScaleAndMinimum } from './search-scale-and-minimum.ts'

/** d = range / 15 from the minimum on; with importance, the best of 38 scales with their minimums. */
export const q4_1Encoder: RowEncoder = {
  id: 'q4_1',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    const variance = importance ? f32(sumOfSquares(values, at, count) / count) : 0
    const { codes } = scratch
    for (let column = 0; column < count; column += 32, at += 32, offset += 20) {
      storeRange(values, at, 15, importance, column, variance, out, offset, scratch)
      for (let i = 0; i < 16; i++) out[offset + 4 + i] = (codes[i] as number) | ((codes[i + 16] as number) << 4)
    }
  },
}

/** Finds scale, minimum and codes 0 … last of 32 values, and stores the scale and the minimum as f16. */
export function storeRange(
  values: Float32Array,
  at: number,
  last: number,
  importance: Float32Array | undefined,
  column: number,
  variance: number,
  out: Uint8Array,
  offset: number,
  scratch: Scratch,
): void {
  if (importance) {
    weighByImportance(values, at, importance, column, 32, variance, scratch.weights)
    storeF16(
      out,
      offset,
      searchScaleAndMinimum(values, at, 32, last, scratch.weights, scratch.codes, 0, scratch, -0.9, 0.05, 36, false),
    )
    storeF16(out, offset + 2, -scratch.minimum)
    return
  }
  let minimum = values[at] as number
  let maximum = minimum
  for (let i = 1; i < 32; i++) {
    const value = values[at + i] as number
    if (value < minimum) minimum = value
    if (value > maximum) maximum = value
  }
  const d = f32(f32(maximum - minimum) / last)
  const inverse = d ? f32(1 / d) : 0
  storeF16(out, offset, d)
  storeF16(out, offset + 2, minimum)
  for (let i = 0; i < 32; i++) {
    const code = f32(f32(f32((values[at + i] as number) - minimum) * inverse) + 0.5) | 0
    scratch.codes[i] = Math.min(code, last)
  }
}
