import { iq4Levels } from '../nibbles.ts'
import { storeF16 } from './f16.ts'
import { extremeOf, f32, nearestEven, sumOfSquares, weighByImportance } from './rounding.ts'
import type { RowEncoder, Scratch } from './row-encoder.ts'
import { negligible } from './search-scale.ts'

/** Sums of neighbouring levels: twice the limits between their codes. */
const limits = Float64Array.from({ length: 15 }, (_, i) => (iq4Levels[i] as number) + (iq4Levels[i + 1] as number))

/** The best of 16 scales for each block of 32; without importance values weigh their squares. */
export const iq4_nlEncoder: RowEncoder = {
  id: 'iq4_nl',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    for (let column = 0; column < count; column += 32, at += 32, offset += 18) {
      const variance = importance ? f32(sumOfSquares(values, at, 32) * (2 / 32)) : 0
      const scale = searchLevels(values, at, importance, column, variance, scratch)
      storeF16(out, offset, scale)
      packLevels(values, at, scale ? f32(1 / scale) : 0, out, offset + 2)
    }
  },
}

/** IQ4_NL per group, with 6-bit scales in units of the largest / −32. */
export const iq4_xsEncoder: RowEncoder = {
  id: 'iq4_xs',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    const { scales } = scratch
    for (let column = 0; column < count; column += 256, at += 256, offset += 136) {
      const variance = importance ? f32(sumOfSquares(values, at, 256) * (2 / 256)) : 0
      for (let group = 0; group < 8; group++)
        scales[group] = searchLevels(values, at + 32 * group, importance, column + 32 * group, variance, scratch)
      // Codes are taken for the f32 scale, before it is rounded to f16.
      const d = f32(-extremeOf(scales, 0, 8) / 32)
      const inverse = d ? f32(1 / d) : 0
      storeF16(out, offset, d)
      let high = 0
      for (let group = 0; group < 8; group++) {
        const nearest = nearestEven(f32(inverse * (scales[group] as number)))
        const code = Math.max(-32, Math.min(nearest, 31))
        const scale = f32(d * code)
        packLevels(values, at + 32 * group, scale ? f32(1 / scale) : 0, out, offset + 8 + 16 * group)
        const low = offset + 4 + (group >> 1)
        out[low] = (out[low] as number) | (((code + 32) & 15) << (4 * (group & 1)))
        high |= ((code + 32) >> 4) << (2 * group)
      }
      out[offset + 2] = high
      out[offset + 3] = high >> 8
    }
  },
}

/** The code whose level is nearest to x, the upper of two. */
function levelCode(x: number): number {
  const twice = x + x
  let code = twice >= (limits[7] as number) ? 8 : 0
  if (twice >= (limits[code + 3] as number)) code += 4
  if (twice >= (limits[code + 1] as number)) code += 2
  return twice >= (limits[code] as number) ? code + 1 : code
}

/** The scale of 32 values by weighted least squares, the best of those that send the extreme to −127, or near. */
function searchLevels(
  values: Float32Array,
  at: number,
  importance: Float32Array | undefined,
  column: number,
  variance: number,
  { weights }: Scratch,
): number {
  if (importance) weighByImportance(values, at, importance, column, 32, variance, weights)
  else for (let i = 0; i < 32; i++) weights[i] = f32((values[at + i] as number) * (values[at + i] as number))
  const extreme = extremeOf(values, at, 32)
  if (Math.abs(extreme) < f32(negligible)) return 0
  const sums = fitLevels(values, at, weights, f32(1 / f32(-extreme / (iq4Levels[0] as number))))
  let scale = sums.squares > 0 ? f32(sums.products / sums.squares) : 0
  let best = f32(scale * sums.products)
  for (let n = -7; n <= 7; n++) {
    fitLevels(values, at, weights, f32((n + (iq4Levels[0] as number)) / extreme))
    if (sums.squares > 0 && f32(sums.products * sums.products) > f32(best * sums.squares)) {
      scale = f32(sums.products / sums.squares)
      best = f32(scale * sums.products)
    }
  }
  return scale
}

const sums = { products: 0, squares: 0 }

/** Σ w·x·level and Σ w·level² for the levels nearest to x · inverse. */
function fitLevels(values: Float32Array, at: number, weights: Float32Array, inverse: number): typeof sums {
  let products = 0
  let squares = 0
  for (let i = 0; i < 32; i++) {
    const value = values[at + i] as number
    const level = iq4Levels[levelCode(f32(inverse * value))] as number
    const weighted = f32((weights[i] as number) * level)
    products = f32(products + f32(weighted * value))
    squares = f32(squares + f32(weighted * level))
  }
  sums.products = products
  sums.squares = squares
  return sums
}

/** 32 codes to 16 bytes: byte i holds code i low and code i + 16 high. */
function packLevels(values: Float32Array, at: number, inverse: number, out: Uint8Array, offset: number): void {
  for (let i = 0; i < 16; i++) {
    out[offset + i] =
      levelCode(f32(inverse * (values[at + i] as number))) |
      (levelCode(f32(inverse * (values[at + i + 16] as number))) << 4)
  }
}
