/**
 * Statistics of the inputs x of one linear layer, as sums over tokens. The diagonal of `secondMoment` is an importance
 * matrix, `absMax` serves SmoothQuant, `mean` compensates biases.
 */
export interface LinearStatistics {
  /** K, the length of x. */
  readonly columns: number
  /** Tokens that were summed. */
  readonly count: number
  /** f32[K, K]: Σ x·xᵀ, both halves. */
  readonly secondMoment?: Float32Array | undefined
  /** f32[K]: Σ x². Present without `secondMoment` where only the diagonal was gathered. */
  readonly squares?: Float32Array | undefined
  /** f32[K]: Σ x. */
  readonly sum?: Float32Array | undefined
  /** f32[K]: Σ |x|. */
  readonly absSum?: Float32Array | undefined
  /** f32[K]: max |x|. */
  readonly absMax?: Float32Array | undefined
  /** f32[K, K]: Σ (x_f − x)·xᵀ, where x_f is the input in the uncompressed model: what target correction aims by. */
  readonly mismatch?: Float32Array | undefined
}
