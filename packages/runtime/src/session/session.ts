import type { CacheKind, KvCache } from '@tessera-llm/attention'
import { type Activations, argmax } from '@tessera-llm/kernels'
import { type Plan, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { cacheLayersOf, type LanguageModel, type StepInputs } from '../family/index.ts'
import { defaultActivations, defaultCache } from './defaults.ts'
import { createExclusion } from './exclusion.ts'
import { forwardInSlices } from './forward-in-slices.ts'
import { createPause, yieldToEventLoop } from './yield.ts'

/** Options of `createSession`. */
export interface SessionOptions {
  /** Longest sequence in tokens. Default: the model's own limit. */
  readonly contextLength?: number | undefined
  /**
   * Rounding of the inputs of packed linear layers: `f32` rounds nothing, `int8` rounds to 8 bits by blocks of 32,
   * `int8-token` by tokens, `int8-static` by scales that the checkpoint holds, `int4-token` to 4 bits by tokens.
   * Default: `int8` on WebAssembly, where products of small integers are faster; `f32` on other devices, where rounding
   * loses accuracy and saves no time.
   */
  readonly activations?: Activations | undefined
  /** Tokens that prefill computes at once: large chunks are faster, small ones report progress oftener. Default 128. */
  readonly chunkTokens?: number | undefined
  /**
   * Longest time in ms that prefill blocks the thread on devices that compute on it (WebAssembly); between launches it
   * yields to timers, input and aborts. Default 40, which costs no measurable time.
   */
  readonly sliceMs?: number | undefined
  /**
   * Cache of keys and values: `quantizedCache('int8')`. Default: `denseCache('f16')` if activations are rounded to 8
   * bits, else `denseCache('f32')`.
   */
  readonly cache?: CacheKind | undefined
}

/** Options of `Session.prefill`. */
export interface AppendOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each chunk. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Computes the logits of every token from position `from` on, instead of the last one only. */
  readonly everyLogits?: EveryLogits | undefined
}

/** A receiver of the logits of all tokens from position `from` on. */
export interface EveryLogits {
  readonly from: number
  /** Called for each chunk: row i, f32 `[vocabSize]`, holds the logits after the token at `position + i`. */
  readonly visit: (rows: readonly Float32Array[], position: number) => void
}

/**
 * One sequence and its cache. Tokens are computed once, unless the cache is a ring that no longer holds the rows before
 * a truncation. Calls must not overlap: one that begins before another has ended throws `invalid-option`.
 */
export interface Session {
  readonly model: LanguageModel
  readonly contextLength: number
  readonly activations: Activations
  /** The sequence. Keys and values of its tokens are in the cache, or are computed again before the next token. */
  readonly tokens: readonly number[]
  /** Bytes that the cache occupies now. */
  readonly cacheBytes: number
  /**
   * Sets the sequence to `ids`, reusing the longest common prefix with the present one, and returns the logits after
   * its last token, f32 `[vocabSize]`. An abort takes effect within `sliceMs` and the rest of a launch; after an abort
   * or an error the sequence ends before the unfinished chunk.
   */
  prefill(ids: readonly number[], options?: AppendOptions): Promise<Float32Array>
  /** Appends one token and returns the logits after it. */
  step(id: number): Promise<Float32Array>
  /** Appends one token and returns the most likely next one; the logits stay on the device. */
  stepGreedy(id: number): Promise<number>
  /**
   * Drops all tokens from `length` on. If the cache no longer holds the rows before, the next call computes the missing
   * ones again.
   */
  truncate(length: number): void
  /** Reserves cache for `tokens` tokens in all, so that generating them does not grow it. */
  reserve(tokens: number): Promise<void>
  /** Frees the cache. A running call rejects with `disposed` (a prefill within `sliceMs`), and memory is freed then. */
  dispose(): void
}

type Wanted = 'last' | 'all' | 'none'

interface DecodePlan {
  readonly step: StepInputs
  readonly plan: Plan<{ readonly logits: Tensor; readonly index: Tensor }>
}

/** Smallest cache, in tokens. It grows by doubling, and each growth records the decode step again. */
const minimumCapacity = 256

/**
 * Creates a session with an empty KV cache over a loaded model. Several sessions may share a model.
 *
 * @throws TesseraError `invalid-option`
 */
export function createSession(model: LanguageModel, options: SessionOptions = {}): Session {
  const { device, config } = model
  const {
    activations = defaultActivations(device.kind),
    chunkTokens = 128,
    sliceMs = 40,
    cache: kind = defaultCache(activations),
  } = options
  const contextLength = Math.min(options.contextLength ?? config.contextLength, config.contextLength)
  if (!Number.isSafeInteger(contextLength) || contextLength < 1) {
    throw new TesseraError(
      'invalid-option',
      `session: contextLength must be a positive integer, not ${options.contextLength}`,
    )
  }
  const tokens: number[] = []
  let cache: KvCache | undefined
  let decode: DecodePlan | undefined

  const exclusion = createExclusion('session', () => {
    dropPlan()
    cache?.dispose()
    cache = undefined
    tokens.length = 0
  })

  const dropPlan = (): void => {
    decode?.plan.dispose()
    for (const tensor of decode ? Object.values(decode.step) : []) (tensor as Tensor).dispose()
    decode = undefined
  }

  const reserve = async (count: number): Promise<KvCache> => {
    if (count > contextLength) {
      throw new TesseraError(
        'context-full',
        `session: ${count} tokens do not fit the context of ${contextLength}; shorten the prompt or raise contextLength (the model allows ${config.contextLength})`,
      )
    }
    if (cache && cache.capacity >= count) return cache
    let capacity = minimumCapacity
    while (capacity < count) capacity *= 2
    const room = Math.min(capacity, contextLength)
    const grown = cache
      ? await cache.fork(room)
      : kind.create(device, { layers: cacheLayersOf(config), batch: 1, capacity: room, chunkTokens })
    cache?.dispose()
    cache = grown
    dropPlan()
    return grown
  }

  const checkId = (id: number): void => {
    if (!Number.isInteger(id) || id < 0 || id >= config.vocabSize) {
      throw new TesseraError(
        'invalid-value',
        `session: the token id ${id} is not in the vocabulary (0 … ${config.vocabSize - 1}); was the text encoded with another model's tokenizer?`,
      )
    }
  }

  const makeDecodePlan = (into: KvCache): DecodePlan => {
    const i32 = (shape: readonly number[]): Tensor => device.empty(shape, 'i32')
    const step: StepInputs = { ids: i32([1]), positions: i32([1, 1]), start: i32([1]), lengths: i32([1]) }
    const plan = device.capture(() => {
      const logits = model.forward(step, into, { logits: 'last', activations }) as Tensor
      return { logits, index: argmax(logits) }
    })
    return { step, plan }
  }

  const decodePlanFor = async (id: number): Promise<DecodePlan> => {
    checkId(id)
    await computeMissing()
    const into = await reserve(tokens.length + 1)
    decode ??= makeDecodePlan(into)
    return decode
  }

  /** Synchronous, so that a read in the same turn shares the submission on WebGPU. */
  const replay = ({ step, plan }: DecodePlan, id: number): DecodePlan['plan']['result'] => {
    const position = tokens.length
    cache?.prepare(position, 1)
    device.write(step.ids, Int32Array.of(id))
    device.write(step.positions, Int32Array.of(position))
    device.write(step.start, Int32Array.of(position))
    device.write(step.lengths, Int32Array.of(position + 1))
    plan.replay()
    tokens.push(id)
    return plan.result
  }

  const prefillChunk = async (
    chunk: readonly number[],
    wanted: Wanted,
    signal?: AbortSignal,
  ): Promise<readonly Float32Array[]> => {
    const begin = tokens.length
    const into = await reserve(begin + chunk.length)
    into.prepare(begin, chunk.length)
    const pauseIfDue = createPause(sliceMs, signal)
    const pause = (): Promise<void> | undefined => pauseIfDue()?.then(exclusion.checkOpen)
    try {
      const logits = await forwardInSlices(model, chunk, begin, into, { logits: wanted, activations }, pause)
      // Only tokens computed without an error count as cached.
      tokens.push(...chunk)
      return logits ? rowsOfLogits(logits, config.vocabSize) : []
    } catch (error) {
      into.abandon(begin)
      throw error
    }
  }

  /** Recomputes rows that a truncation dropped from the cache but not from the sequence. */
  const computeMissing = async (): Promise<void> => {
    const missing = tokens.splice(cache?.length ?? 0)
    for (let at = 0; at < missing.length; at += chunkTokens)
      await prefillChunk(missing.slice(at, at + chunkTokens), 'none')
  }

  return {
    model,
    contextLength,
    activations,
    tokens,
    get cacheBytes() {
      return cache?.byteLength ?? 0
    },

    prefill: (ids, { signal, onProgress, everyLogits } = {}) =>
      exclusion.run('prefill', async () => {
        if (ids.length === 0)
          throw new TesseraError(
            'invalid-value',
            'session: the prompt has no tokens; give at least one (many models want a BOS token)',
          )
        for (const id of ids) checkId(id)
        const every = Math.max(0, everyLogits?.from ?? ids.length)
        // The last token is always computed, because its logits are the result.
        const reusable = Math.min(ids.length - 1, every)
        let shared = 0
        while (shared < reusable && shared < tokens.length && ids[shared] === tokens[shared]) shared += 1
        tokens.length = cache?.truncate(Math.min(shared, cache.length)) ?? 0
        await reserve(ids.length)
        for (;;) {
          signal?.throwIfAborted()
          const begin = tokens.length
          const end = Math.min(ids.length, begin + chunkTokens, begin < every ? every : ids.length)
          const isLast = end === ids.length
          const rows = await prefillChunk(
            ids.slice(begin, end),
            begin >= every ? 'all' : isLast ? 'last' : 'none',
            signal,
          )
          if (begin >= every) everyLogits?.visit(rows, begin)
          onProgress?.(end, ids.length)
          const last = rows.at(-1)
          // Copies the row, so that holding it does not hold the chunk's buffer.
          if (isLast && last) return rows.length === 1 ? last : last.slice()
          await yieldToEventLoop()
          exclusion.checkOpen()
        }
      }),

    step: (id) =>
      exclusion.run('step', async () => {
        const { logits } = replay(await decodePlanFor(id), id)
        return (await device.read(logits)) as Float32Array
      }),

    stepGreedy: (id) =>
      exclusion.run('stepGreedy', async () => {
        const { index } = replay(await decodePlanFor(id), id)
        return Number((await device.read(index))[0])
      }),

    truncate(length) {
      exclusion.checkIdle('truncate')
      if (!Number.isInteger(length) || length < 0 || length > tokens.length) {
        throw new TesseraError(
          'invalid-value',
          `session: truncate(${length}) must be between 0 and the ${tokens.length} tokens of the sequence`,
        )
      }
      tokens.length = length
      cache?.truncate(Math.min(length, cache.length))
    },

    reserve: (count) =>
      exclusion.run('reserve', async () => {
        await reserve(count)
      }),

    dispose: exclusion.dispose,
  }
}

function rowsOfLogits(logits: Float32Array, vocabSize: number): readonly Float32Array[] {
  return Array.from({ length: logits.length / vocabSize }, (_, row) =>
    logits.subarray(row * vocabSize, (row + 1) * vocabSize),
  )
}
