import { formatShape, TesseraError } from '@tessera-llm/tensor'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { checkWeight, type WeightMatrix } from '../matrix/index.ts'

/**
 * The bias f32[N] that gives each output of a compressed layer its mean over the calibration text back:
 * `bias + (W − Q) · mean(x)` (arXiv 2404.01892). Costs one vector a layer.
 *
 * @param quantized f32[N, K]: what the layer now computes with, of `dequantizeMatrix`
 * @param bias the layer's present bias, none where absent
 * @throws TesseraError `invalid-value` when the statistics lack `sum`, `invalid-shape`
 */
export function compensateBias(
  weight: WeightMatrix,
  quantized: Float32Array,
  { columns, count, sum }: LinearStatistics,
  bias?: Float32Array,
): Float32Array<ArrayBuffer> {
  checkWeight('bias', weight)
  const { values, shape } = weight
  const [rows] = shape
  if (columns !== shape[1] || quantized.length !== values.length || (bias && bias.length !== rows)) {
    throw new TesseraError(
      'invalid-shape',
      `bias: a weight ${formatShape(shape)} takes ${shape[1]} inputs, ${values.length} quantized values and ${rows} biases, got ${columns}, ${quantized.length} and ${bias?.length ?? 'none'}`,
    )
  }
  if (sum?.length !== columns || !(count > 0))
    throw new TesseraError(
      'invalid-value',
      `bias: takes the sum of each of the ${columns} inputs over at least one token; gather sum in calibration`,
    )
  const out = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    let shift = 0
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column
      shift += ((values[at] as number) - (quantized[at] as number)) * (sum[column] as number)
    }
    out[row] = (bias ? (bias[row] as number) : 0) + shift / count
  }
  return out
}
