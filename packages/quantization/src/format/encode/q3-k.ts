import { storeF16 } from './f16.ts'
import { refineCodes } from './refine-codes.ts'
import { extremeOf, f32, sumOf, sumOfSquares, weighByImportance } from './rounding.ts'
import type { RowEncoder, Scratch } from './row-encoder.ts'
import { searchScale, signedCode } from './search-scale.ts'
import { packTwoBits } from './two-bits.ts'

/**
 * Signed scales of groups of 16, by refinement of the codes; with importance, by search, and so the scale of the
 * scales.
 */
export const q3_kEncoder: RowEncoder = {
  id: 'q3_k',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, scratch) {
    const { codes, scaleCodes } = scratch
    for (let column = 0; column < count; column += 256, at += 256, offset += 110) {
      const d = storeF16(
        out,
        offset + 108,
        importance ? searchScales(values, at, importance, column, scratch) : refineScales(values, at, scratch),
      )
      for (let group = 0; group < 16; group++) {
        const scaleCode = scaleCodes[group] as number
        const low = offset + 96 + (group & 7)
        const high = offset + 104 + (group & 3)
        out[low] = (out[low] as number) | ((scaleCode & 15) << (4 * (group >> 3)))
        out[high] = (out[high] as number) | ((scaleCode >> 4) << (2 * (group >> 2)))
        const scale = f32(d * (scaleCode - 32))
        if (scale === 0) continue
        for (let i = 16 * group; i < 16 * group + 16; i++)
          codes[i] = signedCode(f32((values[at + i] as number) / scale), 4) + 4
      }
      for (let i = 0; i < 256; i++)
        out[offset + (i & 31)] = (out[offset + (i & 31)] as number) | (((codes[i] as number) >> 2) << (i >> 5))
      packTwoBits(codes, out, offset + 32)
    }
  },
}

/** Codes of the groups' scales for the largest scale / −32, which is returned. */
function refineScales(values: Float32Array, at: number, { codes, scales, scaleCodes }: Scratch): number {
  for (let group = 0; group < 16; group++)
    scales[group] = refineCodes(values, at + 16 * group, 16, 4, codes, 16 * group)
  const largest = extremeOf(scales, 0, 16)
  if (largest === 0) {
    scaleCodes.fill(0)
    return 0
  }
  const inverse = f32(-32 / largest)
  for (let group = 0; group < 16; group++)
    scaleCodes[group] = signedCode(f32(inverse * (scales[group] as number)), 32) + 32
  return f32(1 / inverse)
}

function searchScales(
  values: Float32Array,
  at: number,
  importance: Float32Array,
  column: number,
  { codes, weights, scales, groupWeights, scaleCodes }: Scratch,
): number {
  const variance = f32(f32(2 * sumOfSquares(values, at, 256)) / 256)
  for (let group = 0; group < 16; group++) {
    weighByImportance(values, at + 16 * group, importance, column + 16 * group, 16, variance, weights)
    groupWeights[group] = sumOf(weights, 16)
    scales[group] = searchScale(values, at + 16 * group, 16, 4, weights, codes, 16 * group)
  }
  return searchScale(scales, 0, 16, 32, groupWeights, scaleCodes, 0)
}
