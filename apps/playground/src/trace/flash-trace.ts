export interface TraceProblem {
  /** f32[tokens, numHeads, headDim], and the same for k and v with numKvHeads. */
  readonly q: Float32Array
  readonly k: Float32Array
  readonly v: Float32Array
  readonly tokens: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** Query head that is shown. */
  readonly head: number
  readonly isCausal: boolean
  /** Tokens that a query sees, its own included; without causality as many on the other side. */
  readonly window: number | undefined
  readonly rowTile: number
  readonly keyTile: number
  /** Whether rows of all query heads of a KV head share its tiles, so that each key is read once for all of them. */
  readonly isPacked: boolean
}

/** One tile of scores: a rectangle of query rows and keys. */
export interface TraceStep {
  readonly firstRow: number
  readonly endRow: number
  readonly firstKey: number
  readonly endKey: number
  /** Whether no row sees any of its keys: the tile is neither read nor computed. */
  readonly isSkipped: boolean
  /** For each row after this tile: the largest score so far, and Σ exp(score − largest). */
  readonly maxima: readonly number[]
  readonly sums: readonly number[]
  /** Factor of each row's earlier sums and outputs, exp(largest before − largest now). */
  readonly corrections: readonly number[]
  /** Bytes moved between memory and the multiplier for this head, from the first tile on. */
  readonly flashBytes: number
  readonly plainBytes: number
}

export interface Trace {
  readonly steps: readonly TraceStep[]
  /** f64[tokens, headDim]: output of flash attention for the head. */
  readonly output: Float64Array
  /** f64[tokens, tokens]: scores, −∞ where a row does not see a key. */
  readonly scores: Float64Array
  /** f64[tokens]: log-sum-exp of each row. */
  readonly logSumExp: Float64Array
}

const elementBytes = 4

/**
 * FlashAttention's forward pass (Dao et al. 2022, arXiv 2205.14135; order of FlashAttention-2, arXiv 2307.08691), tile
 * by tile: each tile updates a running maximum m, a running sum l and an output that is corrected by exp(m before − m
 * after) when the maximum rises.
 *
 * Bytes are those of f32. Flash reads a tile of queries once and each tile of keys and values that it computes, and
 * writes the output; plain also writes every score, reads and writes it for the softmax, and reads it again for the
 * product with the values.
 */
export function traceFlash(problem: TraceProblem): Trace {
  const { tokens, numHeads, numKvHeads, headDim, head, rowTile, keyTile, v, isPacked } = problem
  const scores = scoresOf(problem)
  const kvHead = Math.floor(head / (numHeads / numKvHeads))
  // Keys that one read serves are attributed to all heads that share it, in equal parts.
  const sharing = isPacked ? numHeads / numKvHeads : 1
  const output = new Float64Array(tokens * headDim)
  const logSumExp = new Float64Array(tokens)
  const steps: TraceStep[] = []
  let flashBytes = 0
  let plainBytes = 0
  for (let firstRow = 0; firstRow < tokens; firstRow += rowTile) {
    const endRow = Math.min(firstRow + rowTile, tokens)
    const rows = endRow - firstRow
    const maxima = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY)
    const sums = new Float64Array(rows)
    flashBytes += elementBytes * rows * headDim
    plainBytes += elementBytes * rows * headDim
    for (let firstKey = 0; firstKey < tokens; firstKey += keyTile) {
      const endKey = Math.min(firstKey + keyTile, tokens)
      const keys = endKey - firstKey
      const corrections = new Float64Array(rows).fill(1)
      let isSkipped = true
      for (let row = firstRow; row < endRow; row++) {
        const at = row - firstRow
        const before = maxima[at] as number
        const tile = scores.subarray(row * tokens + firstKey, row * tokens + endKey)
        const now = tile.reduce((most, score) => Math.max(most, score), before)
        if (now === Number.NEGATIVE_INFINITY) continue
        if (tile.some((score) => score > Number.NEGATIVE_INFINITY)) isSkipped = false
        const correction = Math.exp(before - now)
        corrections[at] = before === Number.NEGATIVE_INFINITY ? 1 : correction
        maxima[at] = now
        sums[at] = (sums[at] as number) * correction
        for (let d = 0; d < headDim; d++) output[row * headDim + d] = (output[row * headDim + d] as number) * correction
        for (const [index, score] of tile.entries()) {
          if (score === Number.NEGATIVE_INFINITY) continue
          const weight = Math.exp(score - now)
          sums[at] = (sums[at] as number) + weight
          const value = ((firstKey + index) * numKvHeads + kvHead) * headDim
          for (let d = 0; d < headDim; d++)
            output[row * headDim + d] = (output[row * headDim + d] as number) + weight * (v[value + d] as number)
        }
      }
      if (!isSkipped) flashBytes += (elementBytes * 2 * keys * headDim) / sharing
      plainBytes += elementBytes * (2 * keys * headDim + 4 * rows * keys)
      steps.push({
        firstRow,
        endRow,
        firstKey,
        endKey,
        isSkipped,
        maxima: [...maxima],
        sums: [...sums],
        corrections: [...corrections],
        flashBytes,
        plainBytes,
      })
    }
    for (let row = firstRow; row < endRow; row++) {
      const sum = sums[row - firstRow] as number
      logSumExp[row] = (maxima[row - firstRow] as number) + Math.log(sum)
      for (let d = 0; d < headDim; d++)
        output[row * headDim + d] = sum === 0 ? 0 : (output[row * headDim + d] as number) / sum
    }
    flashBytes += elementBytes * rows * headDim
    plainBytes += elementBytes * rows * headDim
    const last = steps.at(-1)
    if (last) steps[steps.length - 1] = { ...last, flashBytes, plainBytes }
  }
  return { steps, output, scores, logSumExp }
}

function scoresOf({ q, k, tokens, numHeads, numKvHeads, headDim, head, isCausal, window }: TraceProblem): Float64Array {
  const kvHead = Math.floor(head / (numHeads / numKvHeads))
  const scores = new Float64Array(tokens * tokens).fill(Number.NEGATIVE_INFINITY)
  for (let row = 0; row < tokens; row++) {
    for (let key = 0; key < tokens; key++) {
      if (isCausal && key > row) continue
      if (window !== undefined && Math.abs(row - key) >= window) continue
      let sum = 0
      for (let d = 0; d < headDim; d++)
        sum +=
          (q[(row * numHeads + head) * headDim + d] as number) *
          (k[(key * numKvHeads + kvHead) * headDim + d] as number)
      scores[row * tokens + key] = sum / Math.sqrt(headDim)
    }
  }
  return scores
}
