import { type Multiply, rowMajor } from '../../linear-algebra/index.ts'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { secondMomentOf, type WeightMatrix } from './weight-matrix.ts'

/**
 * How far the outputs of a layer move on the calibration text when its weight becomes `quantized` f32[N, K]: `error` is
 * Σ|x·(W − Q)ᵀ|² = tr(ΔW·H·ΔWᵀ) and `energy` Σ|x·Wᵀ|², both averaged over tokens; their quotient compares layers. 4 · N
 * · K² operations.
 */
export function outputError(
  weight: WeightMatrix,
  quantized: Float32Array,
  statistics: LinearStatistics,
  multiply: Multiply,
): { readonly error: number; readonly energy: number } {
  const secondMoment = secondMomentOf('output error', weight, statistics)
  const {
    values,
    shape: [rows, columns],
  } = weight
  const count = Math.max(statistics.count, 1)
  const difference = values.map((value, i) => value - (quantized[i] as number))
  return {
    error: quadratic(difference, rows, columns, secondMoment, multiply) / count,
    energy: quadratic(values, rows, columns, secondMoment, multiply) / count,
  }
}

/** tr(D · H · Dᵀ). */
function quadratic(
  difference: Float32Array,
  rows: number,
  columns: number,
  secondMoment: Float32Array,
  multiply: Multiply,
): number {
  const product = new Float64Array(rows * columns)
  multiply(
    rows,
    columns,
    columns,
    1,
    rowMajor(difference, columns),
    rowMajor(secondMoment, columns),
    rowMajor(product, columns),
  )
  return product.reduce((sum, value, i) => sum + value * (difference[i] as number), 0)
}
