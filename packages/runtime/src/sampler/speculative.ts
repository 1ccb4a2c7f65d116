import { TesseraError } from '@tessera-llm/tensor'
import { draw } from './candidates.ts'

/** Input of `acceptDraft`; each distribution has the sum 1. */
export interface SpeculativeInput {
  /**
   * Distributions of the target before each drafted token and after the last: one more than `draft`, each `[vocab]`.
   */
  readonly target: readonly ArrayLike<number>[]
  /** Distributions that the drafted tokens were drawn from, each `[vocab]`. */
  readonly proposal: readonly ArrayLike<number>[]
  /** The drafted tokens. */
  readonly draft: readonly number[]
  /** Returns uniform numbers from [0, 1): one for each drafted token that is tested, then one for the draw. */
  uniform(): number
}

/**
 * Speculative sampling (Leviathan et al. 2023): accepts drafted tokens so that the result is distributed as if the
 * target had drawn every token. Returns the accepted tokens and one more: drawn from the target if all were accepted,
 * else from the residual of target and proposal at the first rejection.
 */
export function acceptDraft({ target, proposal, draft, uniform }: SpeculativeInput): number[] {
  if (target.length !== draft.length + 1 || proposal.length !== draft.length) {
    throw new TesseraError(
      'invalid-value',
      `speculative sampling: ${draft.length} drafted tokens need ${draft.length + 1} target and ${draft.length} proposal distributions, not ${target.length} and ${proposal.length}`,
    )
  }
  const accepted: number[] = []
  for (const [index, token] of draft.entries()) {
    const p = target[index] as ArrayLike<number>
    const q = proposal[index] as ArrayLike<number>
    if (uniform() >= acceptance(p, q, token)) return [...accepted, draw(residual(p, q), uniform())]
    accepted.push(token)
  }
  return [...accepted, draw(target[draft.length] as ArrayLike<number>, uniform())]
}

/** Probability that a drafted token is accepted: min(1, p / q). A token with q = 0 is rejected. */
export function acceptance(p: ArrayLike<number>, q: ArrayLike<number>, token: number): number {
  const drafted = q[token] ?? 0
  return drafted > 0 ? Math.min(1, (p[token] as number) / drafted) : 0
}

/** max(p − q, 0), normalized; the target itself if the two are equal. */
export function residual(p: ArrayLike<number>, q: ArrayLike<number>): Float64Array {
  const more = Float64Array.from(p, (value, index) => Math.max(value - (q[index] as number), 0))
  const sum = more.reduce((a, b) => a + b, 0)
  return sum > 0 ? more.map((value) => value / sum) : Float64Array.from(p)
}
