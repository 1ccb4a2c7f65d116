import type { LinearStatistics } from '@tessera-llm/quantization'
import { decodeWeight, quantizeWeight, type Solver } from '../quantize/index.ts'
import type { WeightFormat } from '../recipe/index.ts'

/** A weight f32[N, K] whose roundings are compared. */
export interface RoundedWeight {
  readonly values: Float32Array
  readonly shape: readonly [rows: number, columns: number]
  /** f32[K]: mean square of each input. Undefined for rows that are only looked up: all columns have equal weight. */
  readonly importance: Float32Array | undefined
}

/** Values after rounding to nearest, f32[N, K]; scales are chosen with errors weighted by the importance. */
export async function rounded(
  { values, shape, importance }: RoundedWeight,
  format: WeightFormat,
  solver: Solver,
): Promise<Float32Array> {
  const statistics = importance && { columns: shape[1], count: 1, squares: importance }
  const { weight } = await quantizeWeight(
    { values, shape },
    { kind: 'quantize', method: 'rtn', format, importance: importance !== undefined },
    statistics,
    solver,
  )
  return decodeWeight(weight)
}

/** Values after GPTQ with the given statistics, f32[N, K]. */
export async function optimized(
  { values, shape }: RoundedWeight,
  format: WeightFormat,
  statistics: LinearStatistics,
  solver: Solver,
): Promise<Float32Array> {
  const { weight } = await quantizeWeight(
    { values, shape },
    { kind: 'quantize', method: 'gptq', format },
    statistics,
    solver,
  )
  return decodeWeight(weight)
}

/**
 * Squared change of the outputs by rounding: Σ importance · (W − Q)², the mean over tokens if errors of different
 * columns are independent.
 */
export function roundError({ values, shape: [, columns], importance }: RoundedWeight, quantized: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++)
    sum += (importance?.[i % columns] ?? 1) * ((values[i] as number) - (quantized[i] as number)) ** 2
  return sum
}

/** At most `most` evenly spaced rows, enough to compare formats. */
export function sampleRows({ values, shape: [rows, columns], importance }: RoundedWeight, most: number): RoundedWeight {
  if (rows <= most) return { values, shape: [rows, columns], importance }
  const sampled = new Float32Array(most * columns)
  for (let row = 0; row < most; row++) {
    const from = Math.floor((row * rows) / most) * columns
    sampled.set(values.subarray(from, from + columns), row * columns)
  }
  return { values: sampled, shape: [most, columns], importance }
}
