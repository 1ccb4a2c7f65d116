import { type CacheKind, createPagePool, denseCache, quantizedCache } from '@tessera-llm/attention'
import type { Device } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makers } from '../../test/support/devices.ts'
import { loadTiny } from '../../test/support/tiny.ts'
import { cacheLayersOf, createSession, type LanguageModel } from '../index.ts'

let device: Device
let model: LanguageModel
/** The model with a window of 20 tokens in every second layer: untrained, but with the arithmetic of such models. */
let windowed: LanguageModel
beforeAll(async () => {
  device = await makers.wasm()
  model = await loadTiny(device)
  windowed = {
    ...model,
    config: {
      ...model.config,
      windows: Array.from({ length: model.config.numLayers }, (_, index) => (index % 2 === 0 ? 20 : undefined)),
    },
  }
})
afterAll(() => device.dispose())

const ids = Array.from({ length: 150 }, (_, index) => 5 + ((index * 37) % 200))
const exact = { activations: 'f32', contextLength: 256 } as const

/**
 * A cache that keeps every row of every layer, with the same windows: a step may append as many tokens as the context
 * has.
 */
const contiguous = { ...exact, chunkTokens: 256 } as const

test('rings give the bits of caches that keep every row, in chunks and step by step, in fewer bytes', async () => {
  const [ring, whole] = [createSession(windowed, { ...exact, chunkTokens: 12 }), createSession(windowed, contiguous)]
  // Equal chunks make the cache the only difference.
  for (let end = 12; end <= 120; end += 12)
    expect(await ring.prefill(ids.slice(0, end))).toEqual(await whole.prefill(ids.slice(0, end)))
  for (const id of ids.slice(120)) expect(await ring.step(id)).toEqual(await whole.step(id))
  const { numLayers, numKvHeads, headDim } = model.config
  // 20 − 1 + 12 rows of 256, in pages of 32: an eighth.
  const layers = Math.ceil(numLayers / 2)
  expect(whole.cacheBytes - ring.cacheBytes).toBe(layers * (2 * numKvHeads * headDim * 4 * (256 - 32) - 4))
  ring.dispose()
  whole.dispose()
})

test('a window changes what the model says', async () => {
  const [plain, local] = [createSession(model, exact), createSession(windowed, exact)]
  expect(await local.prefill(ids)).not.toEqual(await plain.prefill(ids))
  plain.dispose()
  local.dispose()
})

test('a sequence that is cut where rings cannot go back is computed again, and says the same', async () => {
  const [session, fresh] = [
    createSession(windowed, { ...exact, chunkTokens: 12 }),
    createSession(windowed, { ...exact, chunkTokens: 12 }),
  ]
  await session.prefill(ids)
  session.truncate(24)
  expect(session.tokens).toEqual(ids.slice(0, 24))
  await fresh.prefill(ids.slice(0, 24))
  expect(await session.step(7)).toEqual(await fresh.step(7))
  // A prompt that shares a prefix, and a truncation by a few tokens, which the ring still holds.
  await session.prefill(ids)
  const other = [...ids.slice(0, 48), 9, 8, 7]
  expect(await session.prefill(other)).toEqual(await fresh.prefill(other))
  session.truncate(50)
  fresh.truncate(50)
  expect(await session.stepGreedy(3)).toBe(await fresh.stepGreedy(3))
  session.dispose()
  fresh.dispose()
})

test('keys and values are kept in f16 beside activations of 8 bits, and in f32 beside exact ones', async () => {
  const [exactly, fast] = [createSession(model, { activations: 'f32' }), createSession(model, { activations: 'int8' })]
  for (const session of [exactly, fast]) await session.prefill([1, 2, 3])
  expect(exactly.cacheBytes).toBe(2 * fast.cacheBytes)
  for (const session of [exactly, fast]) session.dispose()
})

test('a cache of f16 takes half the bytes, and moves logits little', async () => {
  const half = createSession(model, { ...exact, cache: denseCache('f16') })
  const full = createSession(model, exact)
  const [rounded, logits] = [await half.prefill(ids), await full.prefill(ids)]
  expect(2 * half.cacheBytes).toBe(full.cacheBytes)
  expect(Math.max(...rounded.map((value, index) => Math.abs(value - (logits[index] as number))))).toBeLessThan(0.02)
  half.dispose()
  full.dispose()
})

/** Largest difference of logits from those with an f32 cache: after a prompt, decoded tokens, and a truncation. */
async function worstDifference(cache: CacheKind): Promise<number> {
  const options = { ...exact, chunkTokens: 24 }
  const [session, full] = [createSession(model, { ...options, cache }), createSession(model, options)]
  let worst = 0
  const compare = async (of: (one: typeof session) => Promise<Float32Array>): Promise<void> => {
    const [got, want] = [await of(session), await of(full)]
    worst = got.reduce((most, value, index) => Math.max(most, Math.abs(value - (want[index] as number))), worst)
  }
  await compare((one) => one.prefill(ids))
  for (const id of ids.slice(0, 70)) await compare((one) => one.step(id))
  for (const one of [session, full]) one.truncate(51)
  await compare((one) => one.step(11))
  await compare((one) => one.prefill([...ids.slice(0, 40), 3, 2, 1]))
  session.dispose()
  full.dispose()
  return worst
}

test.for([
  ['f16', 0.02],
  ['int8', 0.5],
  ['fp8', 2],
  ['int4', 2],
  ['int2', 4],
] as const)('a cache of %s moves logits by less than %f, and replays like others', async ([name, bound]) => {
  const worst = await worstDifference(name === 'f16' ? denseCache(name) : quantizedCache(name, { exactTokens: 32 }))
  expect(worst).toBeGreaterThan(0)
  expect(worst).toBeLessThan(bound)
})

test('a session over a pool says what one with a cache of its own says, and gives its pages back', async () => {
  const pool = createPagePool(device, { layers: cacheLayersOf(model.config), numPages: 12 })
  expect(await worstDifference(pool.kind)).toBe(0)
  expect(pool.freePages).toBe(12)
  pool.dispose()
})

test.each<readonly [string, CacheKind | undefined, LanguageModel['config']['windows'] | 'none']>([
  ['f32', undefined, 'none'],
  ['int4, which packs groups', quantizedCache('int4'), 'none'],
  ['rings', undefined, undefined],
])('an abort inside a chunk ends it there, and the sequence goes on from before it: %s', async (_, cache, windows) => {
  const base = windows === 'none' ? model : windowed
  const options = { ...exact, chunkTokens: 40, sliceMs: 0, cache }
  const [session, fresh] = [createSession(base, options), createSession(base, options)]
  await session.prefill(ids.slice(0, 80))
  const before = device.memory()
  // One turn of the event loop for each launch: the abort comes during the third chunk, with which the first group is
  // packed.
  let turns = 0
  let isRunning = true
  const controller = new AbortController()
  const turn = (): void => {
    turns += 1
    if (turns === 30) controller.abort()
    if (isRunning) setImmediate(turn)
  }
  setImmediate(turn)
  const progress: number[] = []
  await expect(
    session.prefill(ids, { signal: controller.signal, onProgress: (done) => progress.push(done) }),
  ).rejects.toMatchObject({ name: 'AbortError' })
  isRunning = false
  // The abort stops the remaining launches of the chunk, which are many more.
  expect(turns).toBeGreaterThanOrEqual(30)
  expect(turns).toBeLessThan(35)
  expect(progress).toEqual([])
  expect(session.tokens).toEqual(ids.slice(0, 80))
  expect(device.memory().liveTensors).toBe(before.liveTensors)
  await fresh.prefill(ids.slice(0, 80))
  expect(await session.step(7)).toEqual(await fresh.step(7))
  expect(await session.prefill(ids)).toEqual(await fresh.prefill(ids))
  session.dispose()
  fresh.dispose()
})

test('however often prefill lets the thread go, it gives the same bits', async () => {
  const sessions = [0, 40, Number.POSITIVE_INFINITY].map((sliceMs) => createSession(model, { ...exact, sliceMs }))
  const [always, ...others] = await Promise.all(sessions.map((session) => session.prefill(ids)))
  for (const logits of others) expect(logits).toEqual(always)
  for (const session of sessions) session.dispose()
})

test('calls follow each other: one that begins before another has ended is refused, and changes nothing', async () => {
  const [session, fresh] = [createSession(model, exact), createSession(model, exact)]
  const running = session.prefill(ids)
  for (const call of [
    () => session.prefill([1]),
    () => session.step(1),
    () => session.stepGreedy(1),
    () => session.reserve(10),
    async () => session.truncate(0),
  ]) {
    await expect(call()).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(
        /^session: \w+ was called before prefill had ended; await one call before the next/,
      ),
    })
  }
  expect(await running).toEqual(await fresh.prefill(ids))
  expect(await session.step(3)).toEqual(await fresh.step(3))
  session.dispose()
  fresh.dispose()
})

test('a session that is disposed while it reads a prompt stops there, and leaves nothing on the device', async () => {
  const before = device.memory().liveTensors
  const session = createSession(model, { ...exact, sliceMs: 0 })
  const running = session.prefill(ids)
  // The call is in its first pause.
  await Promise.resolve()
  session.dispose()
  await expect(running).rejects.toMatchObject({
    code: 'disposed',
    message: 'session: it was disposed; create another one',
  })
  expect(device.memory().liveTensors).toBe(before)
  expect([session.tokens.length, session.cacheBytes]).toEqual([0, 0])
  await expect(session.step(1)).rejects.toMatchObject({ code: 'disposed' })
})
