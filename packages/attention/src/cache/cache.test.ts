import { createReferenceDevice, type Tensor } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actions, runModel } from '../../test/support/cache-model.ts'
import { type CacheLayer, denseCache, type KvCache, quantizedCache } from '../index.ts'
import { attentionWasm } from '../wasm.ts'

let device: WasmDevice
beforeAll(async () => {
  device = await createWasmDevice({ kernels: attentionWasm, threads: 2 })
})
afterAll(() => device.dispose())

const whole: CacheLayer = { numKvHeads: 2, headDim: 16 }
const local: CacheLayer = { numKvHeads: 1, headDim: 12, valueDim: 8, window: 20 }
const sizes = { layers: [whole, local], batch: 1, capacity: 150, chunkTokens: 9 }

describe.each(['f32', 'f16'] as const)('a cache of %s', (dtype) => {
  test('holds what a list holds: appended to, cut, forked and freed at random, with equal bits', async () => {
    const model = {
      device,
      kind: denseCache(dtype),
      ...sizes,
      numHeads: 4,
      dtype,
      expectEqual: (got: Float32Array, want: Float32Array, where: string) => expect(got, where).toEqual(want),
    }
    await fc.assert(
      fc.asyncProperty(actions(9), (steps) => runModel(model, steps)),
      { numRuns: 40 },
    )
  })

  test('says its bytes before and after it is there; a layer with a window holds the window and a step', () => {
    const kind = denseCache(dtype)
    const cache = kind.create(device, { ...sizes, capacity: 100_000 })
    const width = dtype === 'f32' ? 4 : 2
    // 20 − 1 + 9 rows, in pages of 32.
    expect(cache.byteLength).toBe(100_000 * 2 * 32 * width + 32 * 20 * width + 4)
    expect(kind.byteLength(cache.sizes, 'wasm')).toBe(cache.byteLength)
    cache.dispose()
  })
})

// Bounds for numbers with a standard deviation of 1: how far codes of so many bits may move a weighted mean of values.
describe.each([
  ['int8', 0.03, 0],
  ['int8', 0.03, 8],
  ['fp8', 0.3, 0],
  ['int4', 0.5, 8],
  ['int2', 2.5, 8],
] as const)('a cache of %s', (name, bound, exactTokens) => {
  const layers = [{ numKvHeads: 2, headDim: 32, valueDim: 20 }, { ...local }]

  const expectEqual = (got: Float32Array, want: Float32Array, where: string): void => {
    const worst = got.reduce((most, value, index) => Math.max(most, Math.abs(value - (want[index] as number))), 0)
    // Written so that NaN fails.
    expect(worst < (where.startsWith('layer 0') ? bound : 0.01), `${where}: ${worst}`).toBe(true)
  }

  test('holds nearly what a list holds: appended to, cut, forked and freed at random', async () => {
    const model = {
      device,
      kind: quantizedCache(name, { exactTokens }),
      layers,
      capacity: 150,
      chunkTokens: 9,
      numHeads: 4,
      expectEqual,
    }
    await fc.assert(
      fc.asyncProperty(actions(9), (steps) => runModel(model, steps)),
      { numRuns: 40 },
    )
  })

  test('a fork that is cut to nothing begins anew, whatever was in its groups', async () => {
    const model = {
      device,
      kind: quantizedCache(name, { exactTokens }),
      layers,
      capacity: 150,
      chunkTokens: 9,
      numHeads: 4,
      expectEqual,
    }
    const append = (which: number) => ({ kind: 'append', which, count: 9 }) as const
    await runModel(model, [
      ...Array.from({ length: 6 }, () => append(0)),
      { kind: 'fork', which: 0, more: 0 },
      { kind: 'truncate', which: 1, part: 0 },
      append(1),
      append(1),
    ])
  })

  test('says its bytes before and after it is there', () => {
    const cache = quantizedCache(name).create(device, { layers, batch: 1, capacity: 1000, chunkTokens: 100 })
    expect(quantizedCache(name).byteLength(cache.sizes, 'wasm')).toBe(cache.byteLength)
    expect(cache.byteLength).toBeLessThan(denseCache('f16').byteLength(cache.sizes, 'wasm'))
    cache.dispose()
  })
})

test('groups whose tokens are gone from the ring can be cut at their ends only', () => {
  const cache = quantizedCache('int4', { exactTokens: 10 }).create(device, {
    layers: [whole],
    batch: 1,
    capacity: 200,
    chunkTokens: 20,
  })
  for (let start = 0; start < 120; start += 20) cache.prepare(start, 20)
  // At 120 tokens, the last step left 10 exact tokens before its first, so 64 are in groups.
  expect(cache.truncate(100)).toBe(100)
  expect(cache.truncate(70)).toBe(70)
  expect(cache.truncate(63)).toBe(32)
  expect(cache.length).toBe(32)
  cache.dispose()
})

test('a group is taken apart again where the ring still holds its tokens', async () => {
  const create = (): KvCache =>
    quantizedCache('int8').create(device, { layers: [whole], batch: 1, capacity: 200, chunkTokens: 20 })
  const [cache, straight] = [create(), create()]
  for (let start = 0; start < 60; start++) appendRows(cache, start, 1)
  const fork = await cache.fork()
  // A fork does not copy the ring rows of grouped tokens.
  expect(fork.truncate(20)).toBe(0)
  expect(cache.truncate(20)).toBe(20)
  for (let start = 0; start < 20; start += 10) appendRows(straight, start, 10)
  for (const one of [cache, straight]) for (let start = 20; start < 100; start += 4) appendRows(one, start, 4)
  const outputs = await Promise.all([cache, straight].map((one) => device.read(attendOne(one, 100))))
  expect(outputs[0]).toEqual(outputs[1])
  // The ring has 64 rows, so tokens 36 … 99 of 100 are left.
  expect(cache.truncate(63)).toBe(32)
  for (const one of [cache, straight, fork]) one.dispose()
})

function appendRows(cache: KvCache, start: number, count: number): void {
  cache.prepare(start, count)
  const rows = device.tensor(
    Float32Array.from({ length: count * 32 }, (_, index) => Math.sin((32 * start + index) ** 2)),
    [1, count, 2, 16],
  )
  const step = {
    start: device.tensor(Int32Array.of(start), [1]),
    lengths: device.tensor(Int32Array.of(start + count), [1]),
  }
  cache.layer(0).append(rows, rows, step)
}

function attendOne(cache: KvCache, length: number): Tensor {
  const q = device.tensor(
    Float32Array.from({ length: 64 }, (_, index) => Math.cos(index ** 2)),
    [1, 1, 4, 16],
  )
  return cache.layer(0).attend(q, {
    start: device.tensor(Int32Array.of(length - 1), [1]),
    lengths: device.tensor(Int32Array.of(length), [1]),
  })
}

test('the reference device keeps float64, and a plan for it says so', () => {
  expect(denseCache('f16').byteLength({ layers: [whole], batch: 1, capacity: 10 }, 'reference')).toBe(8 * 10 * 2 * 32)
})

test('a ring goes back as far as its rows are there, and says how far', () => {
  const cache = denseCache('f32').create(createReferenceDevice(), { ...sizes, capacity: 1000 })
  for (let start = 0; start < 90; start += 9) cache.prepare(start, 9)
  // 32 rows hold tokens 58 … 89. Token 77 sees 58 … 77.
  expect(cache.truncate(80)).toBe(80)
  expect(cache.truncate(77)).toBe(77)
  expect(cache.truncate(76)).toBe(0)
  expect(cache.length).toBe(0)
  cache.prepare(0, 9)
  expect(cache.truncate(4)).toBe(4)
  cache.dispose()
})

test.for<[string, (cache: ReturnType<ReturnType<typeof denseCache>['create']>) => unknown, string, RegExp]>([
  [
    'a step beyond what is there',
    (cache) => cache.prepare(5, 1),
    'invalid-value',
    /cannot start at 5; the cache holds 4 tokens/,
  ],
  [
    'a step of more tokens than the rings take',
    (cache) => cache.prepare(4, 10),
    'invalid-value',
    /a step of 10 tokens; this cache takes 1 to 9 at once \(chunkTokens\)/,
  ],
  [
    'more tokens than there is room for',
    (cache) => [4, 13, 22, 31, 40].map((start) => cache.prepare(start, 9)),
    'context-full',
    /49 tokens do not fit a cache of 40; fork it with more room/,
  ],
  [
    'a truncation to more than there is',
    (cache) => cache.truncate(5),
    'invalid-value',
    /truncate\(5\) must be between 0 and the 4 tokens/,
  ],
  ['a layer that is not there', (cache) => cache.layer(2), 'invalid-value', /no layer 2; the cache was made for 2/],
  [
    'a step at rows that are gone',
    (cache) => [4, 13, 22, 31, 3].map((start) => cache.prepare(start, 9)),
    'invalid-value',
    /cannot start at 3 any more: .* truncate\(3\) keeps 0 tokens/,
  ],
])('refuses %s', ([, act, code, message]) => {
  const cache = denseCache('f32').create(device, { ...sizes, capacity: 40 })
  cache.prepare(0, 4)
  expect(() => act(cache)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
  cache.dispose()
})

test('a fork with too little room, and sizes that are none, are refused', async () => {
  const cache = denseCache('f32').create(device, sizes)
  cache.prepare(0, 9)
  await expect(cache.fork(8)).rejects.toMatchObject({
    code: 'context-full',
    message: expect.stringContaining('9 tokens do not fit a fork of 8'),
  })
  cache.dispose()
  expect(() => denseCache('f32').create(device, { ...sizes, capacity: 0 })).toThrow(
    expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringContaining('capacity must be a positive integer, not 0'),
    }),
  )
  expect(() =>
    denseCache('f32').create(device, { ...sizes, layers: [{ numKvHeads: 1, headDim: 8, window: 0 }] }),
  ).toThrow(
    expect.objectContaining({
      message: expect.stringContaining('window of layer 0 must be a positive integer, not 0'),
    }),
  )
})
