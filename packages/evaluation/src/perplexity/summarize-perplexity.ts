import { meanWithErrors } from '../statistics/index.ts'

/** Perplexity with standard errors. */
export interface Perplexity {
  /** exp(mean negative log-likelihood). */
  readonly perplexity: number
  /**
   * Standard error of `perplexity` if tokens were independent (delta method), as `llama-perplexity` prints it. NaN for
   * one token.
   */
  readonly standardError: number
  /** Standard error with windows as clusters, which accounts for correlation within a window. NaN for one window. */
  readonly standardErrorClustered: number
  /** Number of scored tokens. */
  readonly tokens: number
  /** Sum of negative log-likelihoods per window, in nats. */
  readonly nll: readonly number[]
}

/** Summarizes negative log-likelihoods in nats, given as one list of scored tokens per window. Sums are float64. */
export function summarizePerplexity(windows: readonly ArrayLike<number>[]): Perplexity {
  const { mean, standardError, standardErrorClustered, tokens, sums } = meanWithErrors(windows)
  const perplexity = Math.exp(mean)
  return {
    perplexity,
    standardError: perplexity * standardError,
    standardErrorClustered: perplexity * standardErrorClustered,
    tokens,
    nll: sums,
  }
}
