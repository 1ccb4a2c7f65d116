export {
  type EvaluatedSession,
  measurePerplexity,
  type PerplexityOptions,
  type PerplexityProgress,
} from './measure-perplexity.ts'
export { negativeLogLikelihood } from './negative-log-likelihood.ts'
export { type Perplexity, summarizePerplexity } from './summarize-perplexity.ts'
export { cutWindows, type PerplexityProtocol, scoredFrom, type WindowOptions } from './windows.ts'
