/** Perplexity with what is known about its error. */
export interface Perplexity {
  /** exp(mean negative log-likelihood). */
  readonly perplexity: number
  /**
   * Standard error of `perplexity` if tokens were independent, as `llama-perplexity` prints it: sqrt((mean(nll²) − mean²) / (n − 1)),
   * times the perplexity (delta method). NaN for one token.
   */
  readonly standardError: number
  /**
   * The same with windows as clusters, which allows for tokens of one window being alike (Cameron and Miller, A Practitioner's
   * Guide to Cluster-Robust Inference, 2015): the honest one for a claim about a text. NaN for one window.
   */
  readonly standardErrorClustered: number
  /** Tokens that were scored. */
  readonly tokens: number
  /** Sum of the negative log-likelihoods of each window, in nats. */
  readonly nll: readonly number[]
}

/** Summarizes negative log-likelihoods in nats: one list of scored tokens a window. Sums are float64. */
export function summarizePerplexity(windows: readonly ArrayLike<number>[]): Perplexity {
  const nll = windows.map(sum)
  const tokens = windows.reduce((count, { length }) => count + length, 0)
  const mean = sum(nll) / tokens
  const perplexity = Math.exp(mean)
  // Around the mean, because mean(nll²) − mean² cancels.
  const squares = sum(windows.map((values) => sum(Array.from(values, (value) => (value - mean) ** 2))))
  const residuals = windows.map(({ length }, index) => ((nll[index] as number) - length * mean) ** 2)
  const clusters = windows.length
  return {
    perplexity,
    standardError: perplexity * ratio(Math.sqrt(squares / tokens), Math.sqrt(tokens - 1)),
    standardErrorClustered: (perplexity / tokens) * ratio(Math.sqrt(clusters * sum(residuals)), Math.sqrt(clusters - 1)),
    tokens,
    nll,
  }
}

/** Nothing is known from one observation: NaN, not infinity. */
function ratio(numerator: number, denominator: number): number {
  return denominator > 0 ? numerator / denominator : Number.NaN
}

function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}
