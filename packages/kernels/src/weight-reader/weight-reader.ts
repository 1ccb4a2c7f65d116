import type { WeightSpec } from '@tessera-llm/tensor'
import type { Binding } from '@tessera-llm/webgpu'

/**
 * How WGSL reads a weight [N, K] of one format: what `linear` and `embedding` need to compute directly on packed
 * weights. The fragments declare, for a row and a k that is a multiple of 8 (of GROUP for the first),
 *
 *     fn scale_of(row: u32, k: u32) -> vec2<f32>            scale and minimum of the group that contains k
 *     fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2>  the 8 codes from k on; zeros beyond K
 *
 * so that weight = scale · code − minimum; where `hasPackedCodes` says so, also the same in signed bytes, which may
 * take another scale and minimum,
 *
 *     fn packed_scale_of(row: u32, k: u32) -> vec2<f32>
 *     fn packed_codes_of(row: u32, k: u32) -> vec2<u32>     anything beyond K
 *
 * They may use `params.rows` (N) and `params.columns` (K).
 */
export interface WeightReader {
  /** Suffix of kernel names: `gemv-q4_1`. */
  readonly name: string
  /** `true`, or why a weight of this spec cannot be read. */
  supports(weight: WeightSpec): true | string
  /** Consecutive weights of a row that share scale and minimum: a multiple of 8. */
  groupSize(weight: WeightSpec): number
  /** False if `scale_of(…).y` is always 0. */
  hasMinimum(weight: WeightSpec): boolean
  /** Whether packed bytes of the codes are available, for integer products. */
  hasPackedCodes?(weight: WeightSpec): boolean
  bindings(weight: WeightSpec): readonly Binding[]
  fragments(weight: WeightSpec): readonly string[]
}
