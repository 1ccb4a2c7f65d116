import { packKScales } from './k-scales.ts'
import { encodeRangeBlock, type RangeSearch } from './range-block.ts'
import { f32, sumOfSquares } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'

const search: RangeSearch = {
  groupSize: 32,
  lastCode: 15,
  lastScale: 63,
  first: -1,
  steps: 20,
  absolute: false,
  varianceFactor: 2,
  weigh: weighByMagnitude,
}

/**
 * The best of 21 scales with their minimums for each group, of 37 with importance; then the best scale of scales and of
 * minimums.
 */
export const q4_kEncoder: RowEncoder = {
  id: 'q4_k',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    for (let column = 0; column < count; column += 256, at += 256, offset += 144) {
      encodeRangeBlock(search, values, at, importance, column, out, offset, scratch)
      packKScales(scratch.scaleCodes, scratch.minimumCodes, out, offset + 4)
      packNibblePairs(scratch.codes, out, offset + 16)
    }
  },
}

/** weights[i] = root mean square of the group + |x[i]|, for a group of 32. */
export function weighByMagnitude(values: Float32Array, at: number, weights: Float32Array): void {
  const level = f32(Math.sqrt(f32(sumOfSquares(values, at, 32) / 32)))
  for (let i = 0; i < 32; i++) weights[i] = f32(level + Math.abs(values[at + i] as number))
}

/** The low nibbles of 256 codes to 128 bytes: each 32 bytes hold two groups of 32, the first in their low nibbles. */
export function packNibblePairs(codes: Uint8Array, out: Uint8Array, offset: number): void {
  for (let i = 0; i < 128; i++) {
    const at = (i >> 5) * 64 + (i & 31)
    out[offset + i] = ((codes[at] as number) & 15) | (((codes[at + 32] as number) & 15) << 4)
  }
}
