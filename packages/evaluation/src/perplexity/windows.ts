import { TesseraError } from '@tessera-llm/tensor'

/**
 * Scored tokens of a window. `second-half` scores those after position window / 2, as `llama-perplexity` does, so that
 * each has at least half a window of context (512: positions 257 … 511). `all` scores every token but the first (1 …
 * 511).
 */
export type PerplexityProtocol = 'second-half' | 'all'

/** Options of the windows that a text is cut into. */
export interface WindowOptions {
  /** Tokens per window. Default 512. */
  readonly window?: number | undefined
  /** Windows to score. Default: all whole ones. */
  readonly windows?: number | undefined
  /** Windows to skip at the start. Default 0. */
  readonly skip?: number | undefined
  /** Default `second-half`. */
  readonly protocol?: PerplexityProtocol | undefined
  /** Token that replaces the first of each window, for models trained with a BOS. */
  readonly bosId?: number | undefined
}

/** Position of the first scored token of a window. */
export function scoredFrom(window: number, protocol: PerplexityProtocol): number {
  return protocol === 'all' ? 1 : Math.floor(window / 2) + 1
}

/**
 * Cuts a text's tokens into windows that do not overlap; drops a partial last window.
 *
 * @throws TesseraError `invalid-option` for invalid sizes, `invalid-value` if the text is too short
 */
export function cutWindows(
  ids: readonly number[],
  { window = 512, windows, skip = 0, protocol = 'second-half', bosId }: WindowOptions = {},
): number[][] {
  if (protocol !== 'second-half' && protocol !== 'all')
    throw new TesseraError(
      'invalid-option',
      `perplexity: protocol must be second-half or all, not ${JSON.stringify(protocol)}`,
    )
  requireInteger('skip', skip, 0)
  if (windows !== undefined) requireInteger('windows', windows, 1)
  requireInteger('window', window, 2)
  if (scoredFrom(window, protocol) >= window)
    throw new TesseraError(
      'invalid-option',
      `perplexity: a window of ${window} leaves no token to score by ${protocol}; use at least 3`,
    )
  const whole = Math.floor(ids.length / window)
  const needed = skip + (windows ?? 1)
  if (needed > whole) {
    throw new TesseraError(
      'invalid-value',
      `perplexity: ${needed} windows of ${window} tokens (${skip} of them skipped) need ${needed * window} tokens, but the text has ${ids.length}; use a longer text or a smaller window`,
    )
  }
  return Array.from({ length: windows ?? whole - skip }, (_, index) => {
    const cut = ids.slice((skip + index) * window, (skip + index + 1) * window)
    if (bosId !== undefined) cut[0] = bosId
    return cut
  })
}

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw new TesseraError(
      'invalid-option',
      `perplexity: ${name} must be an integer of at least ${least}, not ${value}`,
    )
}
