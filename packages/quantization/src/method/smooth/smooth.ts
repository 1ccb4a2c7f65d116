import { formatShape, TesseraError } from '@tessera-llm/tensor'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { checkWeight, type WeightMatrix } from '../matrix/index.ts'

/**
 * SmoothQuant (arXiv 2211.10438): f32[K] by which activations are divided and the columns of all weights that read them
 * multiplied, `max|X_j|^alpha / max|W_j|^(1 − alpha)`, at least 1e-5. Moves outliers of the activations, which 8 bits
 * cannot hold, into the weights.
 *
 * @param weights all layers that read this input
 * @throws TesseraError `invalid-value` when the statistics lack `absMax`, `invalid-option`, `invalid-shape`
 */
export function smoothScales(
  weights: readonly WeightMatrix[],
  { columns, absMax }: LinearStatistics,
  alpha: number,
): Float32Array {
  if (!(alpha >= 0 && alpha <= 1))
    throw new TesseraError(
      'invalid-option',
      `smooth: alpha lies between 0 (weights stay) and 1 (activations become even), got ${alpha}`,
    )
  if (absMax?.length !== columns)
    throw new TesseraError(
      'invalid-value',
      `smooth: takes the largest magnitude of each of the ${columns} inputs, got ${absMax ? absMax.length : 'none'}; gather absMax in calibration`,
    )
  const largest = new Float64Array(columns)
  for (const weight of weights) {
    checkWeight('smooth', weight)
    if (weight.shape[1] !== columns)
      throw new TesseraError(
        'invalid-shape',
        `smooth: the statistics are of ${columns} inputs, a weight is ${formatShape(weight.shape)}; pass weights that read this input`,
      )
    for (let i = 0; i < weight.values.length; i++)
      largest[i % columns] = Math.max(largest[i % columns] as number, Math.abs(weight.values[i] as number))
  }
  return absMax.map((most, column) => {
    const scale = most ** alpha / (largest[column] as number) ** (1 - alpha)
    // A column of zeros has no scale of its own.
    return Number.isFinite(scale) ? Math.max(scale, 1e-5) : 1
  })
}
