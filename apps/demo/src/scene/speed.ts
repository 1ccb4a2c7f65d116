import type { Session } from '@tessera-llm/runtime'

/** Work to time; reduced if the context is short. */
export interface SpeedProblem {
  readonly promptTokens: number
  readonly decodeTokens: number
  /** Rounds repeat until this time has passed; at least one runs. */
  readonly budgetMs: number
  readonly signal?: AbortSignal | undefined
}

/** Medians over the rounds. */
export interface Speed {
  /** The timed work. */
  readonly promptTokens: number
  readonly decodeTokens: number
  readonly promptTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  readonly rounds: number
}

const mostRounds = 7

/**
 * Times prompts and decode steps of a session that has run before, so that compiling and tiering up do not count.
 * Empties the session.
 */
export async function measureSpeed(session: Session, problem: SpeedProblem): Promise<Speed> {
  const { budgetMs, signal } = problem
  const decodeTokens = Math.min(problem.decodeTokens, session.contextLength >> 1)
  const promptTokens = Math.min(problem.promptTokens, session.contextLength - decodeTokens)
  const { vocabSize } = session.model.config
  // Which tokens they are does not matter for the time.
  const ids = Array.from({ length: promptTokens }, (_, index) => (index * 7919) % vocabSize)
  const prompts: number[] = []
  const decodes: number[] = []
  const end = performance.now() + budgetMs
  do {
    session.truncate(0)
    const begin = performance.now()
    await session.prefill(ids, { signal })
    const middle = performance.now()
    for (let step = 0, id = 1; step < decodeTokens; step++) {
      signal?.throwIfAborted()
      id = await session.stepGreedy(id)
    }
    prompts.push(middle - begin)
    decodes.push(performance.now() - middle)
  } while (performance.now() < end && prompts.length < mostRounds)
  session.truncate(0)
  return {
    promptTokens,
    decodeTokens,
    promptTokensPerSecond: (1000 * promptTokens) / median(prompts),
    decodeTokensPerSecond: (1000 * decodeTokens) / median(decodes),
    rounds: prompts.length,
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}
