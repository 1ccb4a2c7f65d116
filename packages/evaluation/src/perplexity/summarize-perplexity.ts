import { meanWithErrors } from '../statistics/index.ts'

/** Perplexity with what is known about its error. */
export interface Perplexity {
  /** exp(mean negative log-likelihood). */
  readonly perplexity: number
  /** Standard error of `perplexity` if tokens were independent (delta method), as `llama-perplexity` prints it. NaN for one token. */
  readonly standardError: number
  /** The same with windows as clusters, which allows for tokens of one window being alike. NaN for one window. */
  readonly standardErrorClustered: number
  /** Tokens that were scored. */
  readonly tokens: number
  /** Sum of the negative log-likelihoods of each window, in nats. */
  readonly nll: readonly number[]
}

/** Summarizes negative log-likelihoods in nats: one list of scored tokens a window. Sums are float64. */
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
