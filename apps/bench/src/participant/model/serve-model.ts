import { readFileSync } from 'node:fs'
import { TesseraError } from '@tessera-llm/tensor'
import type { ModelWorkload } from '../../workload/index.ts'
import type { Description, Participant, Sample } from '../protocol.ts'
import { serve } from '../serve.ts'

/** A language model with one sequence, as a participant's library offers it. Always greedy. */
export interface ModelEngine {
  tokenize(text: string): Promise<readonly number[]>
  /** Computes `ids` from an empty cache and returns the most likely next token. */
  prefill(ids: readonly number[]): Promise<number>
  /**
   * Computes `count` tokens one by one, `first` and its continuation; returns the `count` results. Does not stop at any
   * token.
   */
  generate(first: number, count: number): Promise<readonly number[]>
  /** Drops all but the first `length` tokens from the cache. */
  truncate(length: number): Promise<void>
  /** Peak memory of the process in bytes. Default: that of this process. */
  peakBytes?(): number
  close(): Promise<void>
}

export interface ModelAdapter {
  /** Must not load the library: loading it is part of the load time. */
  describe(workload: ModelWorkload): Description
  /** Loads the library and the model until it can compute. */
  open(workload: ModelWorkload): Promise<ModelEngine>
}

/** The text of all prompts, twice, truncated to the workload's number of tokens. */
export const promptText = (): string =>
  readFileSync(new URL('../../data/coriolanus.txt', import.meta.url), 'utf8').repeat(2)

/** Number of answer tokens kept for comparison. */
const answerTokens = 16

export async function serveModel(adapter: ModelAdapter): Promise<void> {
  await serve(createModelParticipant(adapter, promptText))
}

export function createModelParticipant(adapter: ModelAdapter, text: () => string): Participant {
  let workload: ModelWorkload | undefined
  let engine: ModelEngine | undefined
  let prompt: readonly number[] = []
  let next = 0

  const takePrompt = async (from: ModelEngine, count: number): Promise<readonly number[]> => {
    const ids = await from.tokenize(text())
    if (ids.length < count)
      throw new TesseraError(
        'invalid-value',
        `bench: the text has ${ids.length} tokens, and the workload wants ${count}; lengthen apps/bench/data/coriolanus.txt`,
      )
    return ids.slice(0, count)
  }
  const load = async (to: ModelWorkload & { readonly kind: 'load' }): Promise<Sample> => {
    const begin = performance.now()
    engine = await adapter.open(to)
    const loaded = performance.now()
    const first = await engine.prefill(await takePrompt(engine, 16))
    const answered = performance.now()
    const answer = await engine.generate(first, to.tokens)
    const peakBytes = engine.peakBytes?.() ?? process.resourceUsage().maxRSS * 1024
    return {
      figures: { load: loaded - begin, 'first token': answered - begin, 'peak memory': peakBytes / 2 ** 20 },
      answer: answer.slice(0, answerTokens),
    }
  }

  return {
    async prepare(asked) {
      if (!('contextLength' in asked) || asked.kind === 'profile')
        throw new TesseraError('invalid-option', `bench: a model does no ${asked.kind}`)
      workload = asked
      if (asked.kind === 'load') return adapter.describe(asked)
      engine = await adapter.open(asked)
      prompt = await takePrompt(engine, asked.promptTokens)
      next = await engine.prefill(prompt)
      return adapter.describe(asked)
    },
    async measure() {
      if (workload?.kind === 'load') return load(workload)
      if (!workload || !engine) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      if (workload.kind === 'prefill') {
        await engine.truncate(0)
        const begin = performance.now()
        next = await engine.prefill(prompt)
        return { figures: { rate: (1000 * prompt.length) / (performance.now() - begin) }, answer: [next] }
      }
      await engine.truncate(prompt.length)
      const begin = performance.now()
      const answer = await engine.generate(next, workload.tokens)
      const rate = (1000 * answer.length) / (performance.now() - begin)
      if (answer.length !== workload.tokens)
        throw new TesseraError('invalid-value', `bench: ${answer.length} tokens came out of ${workload.tokens}`)
      return { figures: { rate }, answer: answer.slice(0, answerTokens) }
    },
    async close() {
      await engine?.close()
    },
  }
}
