import type { WeightSpec } from '@tessera-llm/tensor'
import type { Binding } from '@tessera-llm/webgpu'

/**
 * How WGSL reads a weight [N, K] of one format: what `linear` and `embedding` need to compute directly on packed weights. The fragments
 * declare, for a row and a k that is a multiple of 8 (of GROUP for the first),
 *
 *     fn scale_of(row: u32, k: u32) -> vec2<f32>            scale and minimum of the group that contains k
 *     fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2>  the 8 codes from k on; zeros beyond K
 *
 * so that weight = scale · code − minimum. They may use `params.rows` (N) and `params.columns` (K).
 */
export interface WeightReader {
  /** Ends the kernels' names: `gemv-q4_1`. */
  readonly name: string
  /** `true`, or why a weight of this spec cannot be read. */
  supports(weight: WeightSpec): true | string
  /** Consecutive weights of a row with one scale and minimum: a multiple of 8. */
  readonly groupSize: number
  /** False when `scale_of(…).y` is always 0. */
  readonly hasMinimum: boolean
  bindings(weight: WeightSpec): readonly Binding[]
  fragments(weight: WeightSpec): readonly string[]
}
