import { storeF16 } from './f16.ts'
import { f32, nearestEven, sumOf, sumOfSquares, weighByImportance } from './rounding.ts'
import type { Scratch } from './row-encoder.ts'
import { searchPositiveScale } from './search-positive-scale.ts'
import { searchScaleAndMinimum } from './search-scale-and-minimum.ts'

/** Search of a 256-weight type for the scales and minimums of its groups. */
export interface RangeSearch {
  readonly groupSize: 16 | 32
  readonly lastCode: 3 | 15 | 31
  readonly lastScale: 15 | 63
  /** Without importance: scales range / (lastCode + first + n · 0.1), n = 0 … steps. */
  readonly first: number
  readonly steps: number
  /** Without importance: absolute instead of squared errors. */
  readonly absolute: boolean
  /** With importance: the mean square of the block times this is added to a value's square before it weighs. */
  readonly varianceFactor: 1 | 2
  /** Without importance: weights of a group of values. */
  weigh(values: Float32Array, at: number, weights: Float32Array): void
}

/**
 * Finds codes, scales and minimums of the 256 values from `at`: `scratch.codes`, and in units of the two f16 that are
 * stored at `offset` (scale, minimum) `scratch.scaleCodes` and `scratch.minimumCodes` 0 … lastScale of the groups.
 */
export function encodeRangeBlock(
  search: RangeSearch,
  values: Float32Array,
  at: number,
  importance: Float32Array | undefined,
  column: number,
  out: Uint8Array,
  offset: number,
  scratch: Scratch,
): void {
  const { groupSize, lastCode, lastScale, first, steps, absolute, varianceFactor } = search
  const { codes, weights, scales, minimums, groupWeights, scaleCodes, minimumCodes } = scratch
  const groups = 256 / groupSize
  const variance = importance ? f32(f32(varianceFactor * sumOfSquares(values, at, 256)) / 256) : 0
  for (let group = 0; group < groups; group++) {
    const start = group * groupSize
    if (importance) {
      weighByImportance(values, at + start, importance, column + start, groupSize, variance, weights)
      groupWeights[group] = sumOf(weights, groupSize)
      scales[group] = searchScaleAndMinimum(
        values,
        at + start,
        groupSize,
        lastCode,
        weights,
        codes,
        start,
        scratch,
        -0.9,
        0.05,
        36,
        false,
      )
    } else {
      search.weigh(values, at + start, weights)
      scales[group] = searchScaleAndMinimum(
        values,
        at + start,
        groupSize,
        lastCode,
        weights,
        codes,
        start,
        scratch,
        first,
        0.1,
        steps,
        absolute,
      )
    }
    minimums[group] = scratch.minimum
  }
  const fit = importance ? searchPositiveScale : roundToLargest
  const d = storeF16(out, offset, fit(scales, groups, lastScale, groupWeights, scaleCodes))
  const dmin = storeF16(out, offset + 2, fit(minimums, groups, lastScale, groupWeights, minimumCodes))
  // Codes for the scales as they are stored; a group whose scale became 0 keeps those of its search.
  for (let group = 0; group < groups; group++) {
    const scale = f32(d * (scaleCodes[group] as number))
    if (scale === 0) continue
    const minimum = f32(dmin * (minimumCodes[group] as number))
    for (let i = group * groupSize; i < (group + 1) * groupSize; i++) {
      const code = nearestEven(f32(f32((values[at + i] as number) + minimum) / scale))
      codes[i] = code < 0 ? 0 : Math.min(code, lastCode)
    }
  }
}

/** Codes 0 … last of values ≥ 0 for the scale max / last, which is returned. */
function roundToLargest(
  x: Float32Array,
  count: number,
  last: number,
  _weights: Float32Array,
  codes: Uint8Array,
): number {
  let maximum = 0
  for (let i = 0; i < count; i++) maximum = Math.max(maximum, x[i] as number)
  const inverse = maximum > 0 ? f32(last / maximum) : 0
  for (let i = 0; i < count; i++) codes[i] = Math.min(nearestEven(f32(inverse * (x[i] as number))), last)
  return f32(maximum / last)
}
