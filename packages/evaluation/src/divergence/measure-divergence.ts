import { TesseraError } from '@tessera-llm/tensor'
import {
  cutWindows,
  type EvaluatedSession,
  type Perplexity,
  scoredFrom,
  summarizePerplexity,
  type WindowOptions,
} from '../perplexity/index.ts'
import { meanWithErrors } from '../statistics/index.ts'
import { compareLogits } from './compare-logits.ts'

/** Progress of `measureDivergence`. */
export interface DivergenceProgress {
  /** Completed windows. */
  readonly windows: number
  readonly totalWindows: number
  /** Mean divergence over the completed windows, in nats. */
  readonly kld: number
}

/** Options of `measureDivergence`. */
export interface DivergenceOptions extends WindowOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each window. */
  readonly onProgress?: ((progress: DivergenceProgress) => void) | undefined
}

/** Divergence of a model from the model it was derived from, paired token by token. */
export interface Divergence {
  /** Mean of KL(original ‖ compared) over the scored tokens, in nats. */
  readonly kld: number
  /** Standard error of `kld` if tokens were independent. NaN for one token. */
  readonly kldStandardError: number
  /**
   * Standard error of `kld` with windows as clusters; larger, and the one to compare methods by. NaN for one window.
   */
  readonly kldStandardErrorClustered: number
  /** Fraction of tokens, 0 … 1, for which both rank the same token first. */
  readonly top1Agreement: number
  readonly tokens: number
  /** Sum of divergences per window, in nats. */
  readonly divergence: readonly number[]
  readonly original: Perplexity
  readonly compared: Perplexity
}

/** Tokens whose original logits are held at a time: 25 MB for a vocabulary of 49 152. */
const pieceTokens = 128

/**
 * Runs both models over the same windows of a text and compares their distributions at every scored token. Takes logits
 * piece by piece, so memory does not grow with the text. Softmax and sums are float64.
 *
 * @throws TesseraError `invalid-option` or `invalid-value` for windows that the text or a context cannot hold,
 * `invalid-shape` for different vocabularies, `aborted`
 */
export async function measureDivergence(
  original: EvaluatedSession,
  compared: EvaluatedSession,
  ids: readonly number[],
  options: DivergenceOptions = {},
): Promise<Divergence> {
  const { signal, onProgress, window = 512, protocol = 'second-half' } = options
  const contextLength = Math.min(original.contextLength, compared.contextLength)
  if (window - 1 > contextLength) {
    throw new TesseraError(
      'invalid-option',
      `divergence: a window of ${window} tokens exceeds the sessions' context of ${contextLength}; use a window of at most ${contextLength + 1}`,
    )
  }
  const from = scoredFrom(window, protocol)
  const cuts = cutWindows(ids, options)
  const divergences: Float64Array[] = []
  const originalNll: Float64Array[] = []
  const comparedNll: Float64Array[] = []
  let agreeing = 0
  for (const cut of cuts) {
    const scores = [
      new Float64Array(window - from),
      new Float64Array(window - from),
      new Float64Array(window - from),
    ] as const
    original.truncate(0)
    compared.truncate(0)
    try {
      for (let begin = from - 1; begin < window - 1; begin += pieceTokens) {
        const piece = cut.slice(0, Math.min(begin + pieceTokens, window - 1))
        const rows: Float32Array[] = []
        await original.prefill(piece, {
          signal,
          everyLogits: { from: begin, visit: (more) => void rows.push(...more) },
        })
        const compare = (more: readonly Float32Array[], position: number): void => {
          for (const [index, row] of more.entries()) {
            const at = position + index
            const result = compareLogits(rows[at - begin] as Float32Array, row, cut[at + 1] as number)
            scores[0][at + 1 - from] = result.divergence
            scores[1][at + 1 - from] = result.originalNll
            scores[2][at + 1 - from] = result.comparedNll
            if (result.agrees) agreeing += 1
          }
        }
        await compared.prefill(piece, { signal, everyLogits: { from: begin, visit: compare } })
      }
    } catch (error) {
      if (signal?.aborted)
        throw new TesseraError(
          'aborted',
          `divergence: aborted by the caller after ${divergences.length} of ${cuts.length} windows`,
          { cause: error },
        )
      throw error
    }
    divergences.push(scores[0])
    originalNll.push(scores[1])
    comparedNll.push(scores[2])
    onProgress?.({ windows: divergences.length, totalWindows: cuts.length, kld: meanWithErrors(divergences).mean })
  }
  const { mean, standardError, standardErrorClustered, tokens, sums } = meanWithErrors(divergences)
  return {
    kld: mean,
    kldStandardError: standardError,
    kldStandardErrorClustered: standardErrorClustered,
    top1Agreement: agreeing / tokens,
    tokens,
    divergence: sums,
    original: summarizePerplexity(originalNll),
    compared: summarizePerplexity(comparedNll),
  }
}
