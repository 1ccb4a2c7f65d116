import { TesseraError } from '@tessera-llm/tensor'
import { createSampler, type Sampler, type SamplerOptions, type TokenLogprob } from '../sampler/index.ts'
import { checkLogprobs, logProbabilities } from '../sampler/log-probabilities.ts'
import { createTextStream } from '../text/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import type { Session } from './session.ts'
import { yieldToEventLoop } from './yield.ts'

/** Options of `generate`. */
export interface GenerateOptions extends SamplerOptions {
  /** Sampler that replaces the one of the options above, which must be left out. */
  readonly sampler?: Sampler | undefined
  /**
   * Adds to each token its log-probability, and this many of the most likely tokens. They come from the model's logits
   * before temperature, penalties and all other steps. Logits are then read to the host for greedy tokens too, which
   * takes time.
   */
  readonly logprobs?: number | undefined
  /** Largest number of tokens to generate. Default: to the end of the context. */
  readonly maxTokens?: number | undefined
  /** Texts that end the generation; they are not part of the output. */
  readonly stop?: readonly string[] | undefined
  /** Tokens that end the generation, in addition to the model's own. */
  readonly stopIds?: readonly number[] | undefined
  /** Continues after the model's end-of-generation tokens. Default false. */
  readonly ignoreEos?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onPrefill?: ((done: number, total: number) => void) | undefined
}

/** Reason for the end of a generation: an end token, a stop text, the token limit, or the end of the context. */
export type StopReason = 'eos' | 'stop' | 'length' | 'context'

/** Token counts and times of a generation. */
export interface GenerationTimings {
  readonly promptTokens: number
  /** Number of prompt tokens that were in the cache already. */
  readonly reusedTokens: number
  readonly promptMs: number
  readonly decodeTokens: number
  /** Milliseconds for computing and sampling the generated tokens, without the caller's time between pieces. */
  readonly decodeMs: number
}

/** One piece of output: a token, and the text that it completed (empty while a character is incomplete). */
export interface GeneratedPiece {
  readonly id: number
  readonly text: string
  /**
   * With `logprobs`: natural logarithm of the token's probability. Undefined in a last piece that only completes a
   * text.
   */
  readonly logprob?: number | undefined
  /** With `logprobs`: the most likely tokens at this position, most likely first. */
  readonly top?: readonly TokenLogprob[] | undefined
}

/** Result of a generation: the generated token ids and their text, without the stop text. */
export interface GenerationResult {
  readonly ids: readonly number[]
  readonly text: string
  readonly stop: StopReason
  readonly timings: GenerationTimings
}

/**
 * An async iterable of pieces, to be iterated once; `result` resolves after the iteration. Awaiting `result` without
 * iterating runs the whole generation and drops the pieces.
 */
export interface Generation extends AsyncIterable<GeneratedPiece> {
  readonly result: Promise<GenerationResult>
}

/**
 * Streams a continuation of `prompt` (token ids). Iterate it once; `break` ends it early. An abort rejects the
 * iteration with the code `aborted`; the session keeps the tokens computed so far.
 */
export function generate(
  session: Session,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  options: GenerateOptions = {},
): Generation {
  let settle: { resolve(result: GenerationResult): void; reject(error: unknown): void } | undefined
  const result = new Promise<GenerationResult>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // A caller that only iterates receives the error there; without this handler the process would end by an unhandled
  // rejection.
  result.catch(() => {})
  let started = false
  async function* iterate(): AsyncGenerator<GeneratedPiece, void, undefined> {
    if (started)
      throw new TesseraError(
        'invalid-option',
        'generate: a generation is iterated once, and its result was asked for or its pieces read before; call generate again',
      )
    started = true
    try {
      const summary = yield* run(session, tokenizer, prompt, options)
      settle?.resolve(summary)
    } catch (error) {
      const reported = options.signal?.aborted
        ? new TesseraError('aborted', 'generate: aborted by the caller', { cause: error })
        : error
      settle?.reject(reported)
      throw reported
    } finally {
      settle?.reject(new TesseraError('aborted', 'generate: the iteration was left before its end'))
    }
  }
  const drain = async (): Promise<void> => {
    try {
      for await (const _ of iterate());
    } catch {
      // `result` rejects with the same error.
    }
  }
  return {
    get result() {
      // A caller that iterates starts before the next turn of the event loop.
      if (!started) setTimeout(() => (started ? undefined : drain()), 0)
      return result
    },
    [Symbol.asyncIterator]: iterate,
  }
}

/** The latest generation of each session: a caller may start another one between two pieces. */
const latest = new WeakMap<Session, symbol>()

async function* run(
  session: Session,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  options: GenerateOptions,
): AsyncGenerator<GeneratedPiece, GenerationResult, undefined> {
  const { signal, ignoreEos = false, stop = [], stopIds = [] } = options
  checkMaxTokens(options.maxTokens)
  const room = session.contextLength - prompt.length
  const maxTokens = Math.min(options.maxTokens ?? room, room)
  const limit: StopReason = options.maxTokens !== undefined && options.maxTokens <= room ? 'length' : 'context'
  const sampler = samplerOf(options)
  const { logprobs } = options
  checkLogprobs(logprobs)
  const stream = createTextStream({ tokenizer, stop })
  const ends = new Set([...stopIds, ...(ignoreEos ? [] : tokenizer.eosIds)])
  const greedy = sampler.isGreedy && logprobs === undefined

  const me = Symbol('generation')
  latest.set(session, me)
  const checkOurs = (): void => {
    if (latest.get(session) !== me)
      throw new TesseraError(
        'invalid-option',
        'generate: another generation began on the same session, and this one cannot go on; end one before the next, or give each a session of its own (createSession)',
      )
  }
  const before = performance.now()
  const reusedTokens = sharedPrefix(session.tokens, prompt)
  let logits = await session.prefill(prompt, { signal, onProgress: options.onPrefill })
  const promptMs = performance.now() - before
  const history = [...prompt]
  const ids: number[] = []
  let text = ''
  let reason: StopReason = limit
  let decodeMs = 0
  // Restarted after each piece: the time until the caller requests the next one is the caller's.
  let begin = performance.now()

  let next = maxTokens > 0 ? sampler.sample(logits, history) : -1
  while (ids.length < maxTokens) {
    if (ends.has(next)) {
      reason = 'eos'
      break
    }
    ids.push(next)
    history.push(next)
    const piece = stream.push(next)
    text += piece
    const said = { id: next, text: piece, ...(logprobs === undefined ? {} : logProbabilities(logits, next, logprobs)) }
    decodeMs += performance.now() - begin
    yield said
    if (stream.stopped) {
      reason = 'stop'
      break
    }
    if (ids.length === maxTokens) break
    // Other tasks run here, before the abort check: one of them may abort.
    await yieldToEventLoop()
    begin = performance.now()
    signal?.throwIfAborted()
    checkOurs()
    if (greedy) next = await session.stepGreedy(next)
    else {
      logits = await session.step(next)
      next = sampler.sample(logits, history)
    }
  }
  const rest = stream.flush()
  text += rest
  const lastId = ids.at(-1)
  if (rest !== '' && lastId !== undefined) yield { id: lastId, text: rest }
  // The first token comes from the prompt's logits and takes no decode step.
  return {
    ids,
    text,
    stop: reason,
    timings: {
      promptTokens: prompt.length,
      reusedTokens,
      promptMs,
      decodeTokens: Math.max(0, ids.length - 1),
      decodeMs,
    },
  }
}

const samplingOptions = [
  'processors',
  'temperature',
  'topK',
  'topP',
  'minP',
  'typicalP',
  'repetitionPenalty',
  'frequencyPenalty',
  'presencePenalty',
  'logitBias',
  'order',
  'seed',
] as const satisfies readonly (keyof SamplerOptions)[]

function samplerOf(options: GenerateOptions): Sampler {
  const { sampler } = options
  if (sampler === undefined) return createSampler(options)
  const without = samplingOptions.filter((name) => options[name] !== undefined)
  if (without.length > 0)
    throw new TesseraError(
      'invalid-option',
      `generate: ${without.join(', ')} have no effect beside a sampler of your own; pass them to createSampler, or leave sampler out`,
    )
  return sampler
}

function checkMaxTokens(maxTokens: number | undefined): void {
  if (maxTokens === undefined || (maxTokens >= 0 && Math.floor(maxTokens) === maxTokens)) return
  throw new TesseraError(
    'invalid-option',
    `generate: maxTokens must be an integer of at least 0, not ${maxTokens}; leave it out to generate to the end of the context`,
  )
}

function sharedPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length - 1 && a[length] === b[length]) length += 1
  return length
}
