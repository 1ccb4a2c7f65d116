import type { DType } from '../dtype/index.ts'
import type { Shape } from '../shape/index.ts'

/** One stored array of a packed weight: raw elements, their dtype and their shape. */
export interface FormatPart {
  readonly dtype: DType
  readonly shape: Shape
}

/**
 * How a weight matrix is stored. A format is a value that travels with the weight, never a string in a registry:
 * `quantization` and `sparsity` contribute formats, and so can anyone. Two formats are the same when `id` and `version` are.
 */
export interface Format {
  /** Published name where there is one (`q4_1`), with the layout behind a slash where it is ours (`q4_1/rows8`). */
  readonly id: string
  readonly version: number
  /** Parts that a weight of this shape is stored in, by name. Throws `invalid-shape` when the shape does not fit the format. */
  parts(shape: Shape): Readonly<Record<string, FormatPart>>
  /** The exact values, row-major, from the parts' raw bytes: what the reference device computes with. */
  decode(parts: Readonly<Record<string, Uint8Array>>, shape: Shape): Float64Array
}
