/**
 * How rows of f32 values become blocks. All arithmetic is that of ggml's reference encoders in ggml's order, every step
 * rounded to f32, so that the bytes are the same.
 */
export interface RowEncoder {
  /** Id of the block type. */
  readonly id: string
  /** False where ggml's encoder pays no heed to an importance matrix. */
  readonly usesImportance: boolean
  /**
   * Encodes the `count` values from `at` into `out` from `offset`: whole blocks, whose bytes are zero before.
   * `importance` f32[count] weighs the squared error of each column.
   */
  encodeRow(
    values: Float32Array,
    at: number,
    count: number,
    importance: Float32Array | undefined,
    out: Uint8Array,
    offset: number,
    scratch: Scratch,
  ): void
}

/**
 * Room for the encoding of one block, reused from block to block. Lengths are those of the largest block and of its
 * groups.
 */
export interface Scratch {
  readonly codes: Uint8Array
  /** Codes under trial. */
  readonly trial: Uint8Array
  readonly weights: Float32Array
  readonly scales: Float32Array
  readonly minimums: Float32Array
  /** Summed weights of each group. */
  readonly groupWeights: Float32Array
  readonly scaleCodes: Uint8Array
  readonly minimumCodes: Uint8Array
  /** Second result of the search for a scale and a minimum: the minimum, negated. */
  minimum: number
}

export function createScratch(): Scratch {
  return {
    codes: new Uint8Array(256),
    trial: new Uint8Array(256),
    weights: new Float32Array(256),
    scales: new Float32Array(16),
    minimums: new Float32Array(16),
    groupWeights: new Float32Array(16),
    scaleCodes: new Uint8Array(16),
    minimumCodes: new Uint8Array(16),
    minimum: 0,
  }
}
