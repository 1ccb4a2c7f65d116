import type { DType } from '../dtype/index.ts'
import type { Shape } from '../shape/index.ts'

/** One stored array of a packed weight. */
export interface FormatPart {
  readonly dtype: DType
  readonly shape: Shape
}

/**
 * Storage layout of a weight matrix. A format is a value that travels with the weight, not a name in a registry, so any
 * package can define one. Formats with equal `id` and `version` are the same.
 */
export interface Format {
  /** Published name if there is one (`q4_1`); our own layouts append theirs after a slash (`q4_1/rows8`). */
  readonly id: string
  readonly version: number
  /** Parts that store a weight of this shape, by name. Throws `invalid-shape` if the format cannot hold the shape. */
  parts(shape: Shape): Readonly<Record<string, FormatPart>>
  /** Decodes the exact values, row-major, from the parts' raw bytes. The reference device computes with them. */
  decode(parts: Readonly<Record<string, Uint8Array>>, shape: Shape): Float64Array
}
