import type { CacheKind, KvCache } from '@tessera-llm/attention'
import { type Activations, argmax } from '@tessera-llm/kernels'
import { type Plan, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { cacheLayersOf, type LanguageModel, type StepInputs } from '../family/index.ts'
import { defaultActivations, defaultCache } from './defaults.ts'
import { createExclusion } from './exclusion.ts'
import { forwardInSlices } from './forward-in-slices.ts'
import { createPause, yieldToEventLoop } from './yield.ts'

export interface SessionOptions {
  /** Longest sequence in tokens; the model's own limit when left out. */
  readonly contextLength?: number | undefined
  /**
   * Inputs of packed linear layers: `f32` rounds nothing, `int8` rounds them to 8 bits by blocks of 32, `int8-token` by tokens, `int8-static` by scales that the checkpoint holds, `int4-token` to 4 bits by tokens. Default `int8` on WebAssembly, where products
   * of small integers are faster; `f32` on other devices, where rounding costs accuracy and saves no time.
   */
  readonly activations?: Activations | undefined
  /** Tokens that prefill computes at once: more is faster, fewer report progress more often. Default 128. */
  readonly chunkTokens?: number | undefined
  /**
   * Longest time in ms for which prefill keeps the thread, where the device computes on it (WebAssembly): between two launches it lets timers,
   * input and aborts in. Default 40, which costs no measurable time.
   */
  readonly sliceMs?: number | undefined
  /** How keys and values are kept: `quantizedCache('int8')`. Default `denseCache('f16')` where activations are rounded to 8 bits, and `denseCache('f32')` where they are not. */
  readonly cache?: CacheKind | undefined
}

export interface AppendOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each chunk. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Computes the logits of every token from position `from` on, not of the last one alone. */
  readonly everyLogits?: EveryLogits | undefined
}

export interface EveryLogits {
  readonly from: number
  /** Called for each chunk: row i, f32 `[vocabSize]`, follows the token at `position + i`. */
  readonly visit: (rows: readonly Float32Array[], position: number) => void
}

/**
 * One sequence and its cache. Tokens are computed once, unless the cache cannot go back to where the sequence is cut (rings). Its calls follow
 * each other: one that begins before another has ended is refused with `invalid-option`.
 */
export interface Session {
  readonly model: LanguageModel
  readonly contextLength: number
  readonly activations: Activations
  /** The sequence: tokens whose keys and values are in the cache, or are computed again before the next token. */
  readonly tokens: readonly number[]
  /** Bytes that the cache occupies now. */
  readonly cacheBytes: number
  /**
   * Makes the sequence `ids` (reusing the longest prefix that it shares with the present one) and returns the logits
   * after its last token, f32 `[vocabSize]`. An abort takes effect within `sliceMs` (and the rest of a launch); after it, or an error, the
   * sequence ends before the chunk that was not finished.
   */
  prefill(ids: readonly number[], options?: AppendOptions): Promise<Float32Array>
  /** Appends one token and returns the logits after it. */
  step(id: number): Promise<Float32Array>
  /** Appends one token and returns the most likely next one; the logits stay on the device. */
  stepGreedy(id: number): Promise<number>
  /** Drops all tokens from `length` on. Where the cache cannot go back there, the next call computes again what is missing. */
  truncate(length: number): void
  /** Makes room for `tokens` tokens in all, so that generating them does not grow the cache. */
  reserve(tokens: number): Promise<void>
  /** A call that is running ends with `disposed` (a prompt within `sliceMs`), and memory is freed then. */
  dispose(): void
}

type Wanted = 'last' | 'all' | 'none'

interface DecodePlan {
  readonly step: StepInputs
  readonly plan: Plan<{ readonly logits: Tensor; readonly index: Tensor }>
}

/** Smallest cache, in tokens; it grows by doubling, and each growth records the decode step anew. */
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

  /** Synchronous, so that a read which follows in the same turn shares the submission on WebGPU. */
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
    const turn = createPause(sliceMs, signal)
    const pause = (): Promise<void> | undefined => turn()?.then(exclusion.checkOpen)
    try {
      const logits = await forwardInSlices(model, chunk, begin, into, { logits: wanted, activations }, pause)
      // Only what was computed without an error counts as cached.
      tokens.push(...chunk)
      return logits ? rowsOfLogits(logits, config.vocabSize) : []
    } catch (error) {
      into.abandon(begin)
      throw error
    }
  }

  /** What a truncation took from the cache and not from the sequence. */
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
        // The last token is always computed: its logits are the result.
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
          // A copy, so that holding one row does not hold the chunk's.
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
