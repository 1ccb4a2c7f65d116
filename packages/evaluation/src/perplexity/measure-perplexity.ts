import type { Session } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { negativeLogLikelihood } from './negative-log-likelihood.ts'
import { type Perplexity, summarizePerplexity } from './summarize-perplexity.ts'
import { cutWindows, scoredFrom, type WindowOptions } from './windows.ts'

/** Model under measurement: a session of `@tessera-llm/runtime`, or anything that prefills like one. */
export type EvaluatedSession = Pick<Session, 'contextLength' | 'prefill' | 'truncate'>

/** Progress of `measurePerplexity`. */
export interface PerplexityProgress {
  /** Completed windows. */
  readonly windows: number
  readonly totalWindows: number
  /** Perplexity over the completed windows. */
  readonly perplexity: number
}

/** Options of `measurePerplexity`. */
export interface PerplexityOptions extends WindowOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each window. */
  readonly onProgress?: ((progress: PerplexityProgress) => void) | undefined
}

/**
 * Measures the perplexity of a session's model on a text's token ids, each window on its own: the cache is emptied
 * before each. Computes logits of scored tokens only, in the session's arithmetic (f32 or int8 activations).
 *
 * @throws TesseraError `invalid-option` or `invalid-value` for windows that the text or the context cannot hold,
 * `aborted`
 */
export async function measurePerplexity(
  session: EvaluatedSession,
  ids: readonly number[],
  options: PerplexityOptions = {},
): Promise<Perplexity> {
  const { signal, onProgress, window = 512, protocol = 'second-half' } = options
  // The last token of a window is only predicted, never read.
  if (window - 1 > session.contextLength) {
    throw new TesseraError(
      'invalid-option',
      `perplexity: a window of ${window} tokens exceeds the session's context of ${session.contextLength}; use a window of at most ${session.contextLength + 1}`,
    )
  }
  const from = scoredFrom(window, protocol)
  const cuts = cutWindows(ids, options)
  const scored: Float64Array[] = []
  for (const cut of cuts) {
    const nll = new Float64Array(window - from)
    session.truncate(0)
    try {
      await session.prefill(cut.slice(0, -1), {
        signal,
        everyLogits: {
          from: from - 1,
          visit: (rows, position) => {
            for (const [index, row] of rows.entries())
              nll[position + index + 1 - from] = negativeLogLikelihood(row, cut[position + index + 1] as number)
          },
        },
      })
    } catch (error) {
      if (signal?.aborted)
        throw new TesseraError(
          'aborted',
          `perplexity: aborted by the caller after ${scored.length} of ${cuts.length} windows`,
          { cause: error },
        )
      throw error
    }
    scored.push(nll)
    onProgress?.({
      windows: scored.length,
      totalWindows: cuts.length,
      perplexity: summarizePerplexity(scored).perplexity,
    })
  }
  return summarizePerplexity(scored)
}
