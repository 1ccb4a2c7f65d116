import { TesseraError } from '@tessera-llm/tensor'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'

/**
 * The statistics of x / scales, for the weight whose columns were multiplied by `scales` f32[K].
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` unless all scales are positive
 */
export function scaleStatistics(statistics: LinearStatistics, scales: Float32Array): LinearStatistics {
  const { columns, secondMoment, squares, sum, absSum, absMax, mismatch } = statistics
  if (scales.length !== columns)
    throw new TesseraError(
      'invalid-shape',
      `scale: the statistics are of ${columns} inputs, got ${scales.length} scales`,
    )
  const odd = scales.findIndex((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY))
  if (odd >= 0)
    throw new TesseraError(
      'invalid-value',
      `scale: inputs are divided by positive scales, got ${scales[odd]} at ${odd}`,
    )
  const once = (values: Float32Array | undefined): Float32Array | undefined =>
    values?.map((value, i) => value / (scales[i] as number))
  const twice = (values: Float32Array | undefined): Float32Array | undefined =>
    values?.map((value, i) => value / (scales[i % columns] as number) / (scales[Math.floor(i / columns)] as number))
  return {
    ...statistics,
    secondMoment: twice(secondMoment),
    mismatch: twice(mismatch),
    sum: once(sum),
    absSum: once(absSum),
    absMax: once(absMax),
    squares: squares?.map((value, i) => value / (scales[i] as number) ** 2),
  }
}
