import type { Grid } from '../../quantized-matrix/index.ts'
import type { WeightMatrix } from '../matrix/index.ts'
import type { ScaleRule } from '../scale/index.ts'
import type { GridStore } from './grid-target.ts'

/** Parameters of GPTQ for one weight, beside its rows. */
export interface GptqPlan {
  readonly columns: number
  /** f64 [K, K] in processing order: R with R · Rᵀ = H + λ. */
  readonly factor: Float64Array
  /** f64 [K, K]: H + λ. */
  readonly hessian: Float64Array
  /**
   * f64 [K, K] in processing order: what weights are multiplied by, and then by (H + λ)⁻¹, to be added to the targets;
   * none where absent.
   */
  readonly mismatch: Float64Array | undefined
  readonly order: Int32Array
  readonly rule: ScaleRule
  /** Turns of coordinate descent after the sweep. */
  readonly passes: number
}

/** A fast form of the sweep, of its search for scales and of the descent, in f32. */
export interface GptqKernel {
  /** Whether it can work on groups of this grid; otherwise the methods compute in f64 themselves. */
  supports(grid: Grid, columns: number): boolean
  /** Rounds a weight into the store; returns what its rows lose, summed over tokens. */
  round(plan: GptqPlan, weight: WeightMatrix, store: GridStore): number
}
