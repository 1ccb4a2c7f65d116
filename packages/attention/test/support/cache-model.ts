import { createRandom, type Device, encodeElements, type Tensor, viewBytes } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { expect } from 'vitest'
import { attention, type CacheKind, type CacheLayer, type KvCache } from '../../src/index.ts'

/** Operations on one of the existing caches. */
export type Action =
  | { readonly kind: 'append'; readonly which: number; readonly count: number }
  | { readonly kind: 'truncate'; readonly which: number; readonly part: number }
  | { readonly kind: 'fork'; readonly which: number; readonly more: number }
  | { readonly kind: 'free'; readonly which: number }

export function actions(mostAtOnce: number): fc.Arbitrary<readonly Action[]> {
  const which = fc.nat(7)
  const append = fc.record({
    kind: fc.constant('append' as const),
    which,
    count: fc.integer({ min: 1, max: mostAtOnce }),
  })
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: append },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('truncate' as const),
          which,
          part: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('fork' as const), which, more: fc.nat(90) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('free' as const), which }) },
    ),
    { minLength: 3, maxLength: 24 },
  )
}

/** A cache beside what it should hold: one seed a token. */
interface Modelled {
  readonly cache: KvCache
  tokens: number[]
}

export interface CacheModel {
  readonly device: Device
  readonly kind: CacheKind
  readonly layers: readonly CacheLayer[]
  readonly capacity: number
  readonly chunkTokens: number
  readonly numHeads: number
  /** A cache without tokens; by default one of `kind`. */
  readonly create?: ((device: Device) => KvCache) | undefined
  /** Compares what a layer gave with what the oracle gave. */
  readonly expectEqual: (got: Float32Array, want: Float32Array, where: string) => void
  /** The rows as the cache rounds them; as they are when absent. */
  readonly dtype?: 'f32' | 'f16' | undefined
}

/**
 * Runs the actions on caches whose memory was full of NaN, and on the oracle, which keeps each sequence as a list and
 * attends over contiguous tensors made anew. At the end nothing may be left on the device.
 */
export async function runModel(model: CacheModel, steps: readonly Action[]): Promise<void> {
  const { device, kind, layers, capacity, chunkTokens } = model
  const before = device.memory().liveTensors
  const poisoned = poisoning(device)
  const live: Modelled[] = [
    {
      cache: model.create?.(poisoned) ?? kind.create(poisoned, { layers, batch: 1, capacity, chunkTokens }),
      tokens: [],
    },
  ]
  let seed = 0
  for (const action of steps) {
    const one = live[action.which % live.length] as Modelled
    switch (action.kind) {
      case 'append': {
        const count = Math.min(action.count, one.cache.capacity - one.tokens.length)
        if (count > 0)
          await append(
            model,
            one,
            Array.from({ length: count }, () => ++seed),
          )
        break
      }
      case 'truncate': {
        const wanted = Math.floor(action.part * one.tokens.length)
        const kept = one.cache.truncate(wanted)
        expect(kept).toBeLessThanOrEqual(wanted)
        one.tokens.length = kept
        break
      }
      case 'fork':
        if (live.length < 4)
          live.push({
            cache: await one.cache.fork(model.create ? undefined : one.cache.capacity + action.more),
            tokens: [...one.tokens],
          })
        break
      case 'free':
        if (live.length > 1) {
          one.cache.dispose()
          live.splice(live.indexOf(one), 1)
        }
    }
    for (const { cache, tokens } of live) expect(cache.length).toBe(tokens.length)
  }
  // Each of them still holds its own.
  for (const one of live) if (one.tokens.length < one.cache.capacity) await append(model, one, [++seed])
  for (const { cache } of live) cache.dispose()
  expect(device.memory().liveTensors).toBe(before)
}

async function append(model: CacheModel, one: Modelled, seeds: readonly number[]): Promise<void> {
  const { device, layers, numHeads } = model
  const start = one.tokens.length
  one.cache.prepare(start, seeds.length)
  one.tokens.push(...seeds)
  const step = {
    start: device.tensor(Int32Array.of(start), [1]),
    lengths: device.tensor(Int32Array.of(one.tokens.length), [1]),
  }
  for (const [index, layer] of layers.entries()) {
    const { numKvHeads, headDim, valueDim = headDim } = layer
    const upload = (ids: readonly number[], part: number, heads: number, width: number): Tensor =>
      device.tensor(Float32Array.from(ids.flatMap((id) => row(id, index, part, heads * width))), [
        1,
        ids.length,
        heads,
        width,
      ])
    const [q, k, v] = [
      upload(seeds, 0, numHeads, headDim),
      upload(seeds, 1, numKvHeads, headDim),
      upload(seeds, 2, numKvHeads, valueDim),
    ]
    one.cache.layer(index).append(k, v, step)
    const got = one.cache.layer(index).attend(q, step)
    const want = oracle(model, layer, index, one.tokens, q)
    model.expectEqual(
      (await device.read(got)) as Float32Array,
      (await device.read(want)) as Float32Array,
      `layer ${index}, tokens ${start} … ${one.tokens.length - 1}`,
    )
    for (const tensor of [q, k, v, got, want]) tensor.dispose()
  }
  for (const tensor of Object.values(step)) tensor.dispose()
}

/** Attention over contiguous keys and values of exactly these tokens. */
function oracle(
  { device, dtype = 'f32' }: CacheModel,
  { numKvHeads, headDim, valueDim = headDim, window }: CacheLayer,
  index: number,
  tokens: readonly number[],
  q: Tensor,
): Tensor {
  const stored = (part: number, width: number): Tensor => {
    const rows = tokens.map((id) => row(id, index, part, numKvHeads * width))
    const numbers = Array.from({ length: numKvHeads }, (_, head) =>
      rows.flatMap((one) => one.slice(head * width, (head + 1) * width)),
    ).flat()
    return device.tensor(encodeElements(numbers, dtype), [1, numKvHeads, tokens.length, width], dtype)
  }
  const [k, v] = [stored(1, headDim), stored(2, valueDim)]
  const { o } = attention(q, k, v, {
    isCausal: true,
    layout: 'blhd',
    kvLayout: 'bhld',
    windowLeft: window === undefined ? undefined : window - 1,
    returnLse: false,
  })
  k.dispose()
  v.dispose()
  return o
}

/** The numbers of a token, a function of its seed: normal, so that no key weighs most by far. */
function row(seed: number, layer: number, part: number, length: number): number[] {
  const random = createRandom(1000 * seed + 10 * layer + part)
  return Array.from({ length }, () => Math.fround(random.normal()))
}

/** The device, but its memory is full of ones: NaN in every float. */
export function poisoning(device: Device): Device {
  return {
    ...device,
    empty(shape, dtype) {
      const tensor = device.empty(shape, dtype)
      device.write(tensor, viewBytes(new Uint8Array(tensor.byteLength).fill(0xff), dtype))
      return tensor
    },
  }
}
