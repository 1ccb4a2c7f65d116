/** Mean over tokens with standard errors. */
export interface MeanWithErrors {
  readonly mean: number
  /** Standard error if tokens were independent: sqrt((mean(x²) − mean²) / (n − 1)). NaN for one token. */
  readonly standardError: number
  /**
   * Standard error with windows as clusters, which accounts for correlation within a window (Cameron and Miller, A
   * Practitioner's Guide to Cluster-Robust Inference, 2015): the right one for a claim about a text. NaN for one
   * window.
   */
  readonly standardErrorClustered: number
  /** Number of tokens. */
  readonly tokens: number
  /** Sum per window. */
  readonly sums: readonly number[]
}

/** Mean over all tokens, given one list of values per window. Sums are float64. */
export function meanWithErrors(windows: readonly ArrayLike<number>[]): MeanWithErrors {
  const sums = windows.map(sum)
  const tokens = windows.reduce((count, { length }) => count + length, 0)
  const mean = sum(sums) / tokens
  // Deviations from the mean, because mean(x²) − mean² cancels.
  const squares = sum(windows.map((values) => sum(Array.from(values, (value) => (value - mean) ** 2))))
  const residuals = windows.map(({ length }, index) => ((sums[index] as number) - length * mean) ** 2)
  const clusters = windows.length
  return {
    mean,
    standardError: ratio(Math.sqrt(squares / tokens), Math.sqrt(tokens - 1)),
    standardErrorClustered: ratio(Math.sqrt(clusters * sum(residuals)), Math.sqrt(clusters - 1)) / tokens,
    tokens,
    sums,
  }
}

/** A single observation tells nothing about the error: NaN, not infinity. */
function ratio(numerator: number, denominator: number): number {
  return denominator > 0 ? numerator / denominator : Number.NaN
}

function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}
