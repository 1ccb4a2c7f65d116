import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actions, poisoning, runModel } from '../../../test/support/cache-model.ts'
import { type CacheLayer, createPagePool } from '../../index.ts'
import { attentionWasm } from '../../wasm.ts'
import { createPageList } from './page-list.ts'

let device: WasmDevice
beforeAll(async () => {
  device = await createWasmDevice({ kernels: attentionWasm, threads: 2 })
})
afterAll(() => device.dispose())

const layers: readonly CacheLayer[] = [
  { numKvHeads: 2, headDim: 16 },
  { numKvHeads: 1, headDim: 12, valueDim: 8, window: 20 },
]
const sizes = { layers, batch: 1, capacity: 150 }

test.for(['f32', 'f16'] as const)(
  'sequences of a pool of %s hold what lists hold, shared or not, with equal bits, and no page is lost',
  async (rows) => {
    await fc.assert(
      fc.asyncProperty(actions(40), async (steps) => {
        const poisoned = poisoning(device)
        const pool = createPagePool(poisoned, { layers, numPages: 48, pageRows: 16, rows })
        try {
          await runModel(
            {
              device,
              kind: pool.kind,
              ...sizes,
              chunkTokens: 40,
              numHeads: 4,
              dtype: rows,
              create: () => pool.kind.create(poisoned, sizes),
              expectEqual: (got, want, where) => expect(got, where).toEqual(want),
            },
            steps,
          )
          expect(pool.freePages).toBe(48)
        } finally {
          pool.dispose()
        }
      }),
      { numRuns: 40 },
    )
  },
)

test('forks share pages, and the first to append to a shared page copies it alone', async () => {
  const pool = createPagePool(device, { layers, numPages: 10, rows: 'int8' })
  const first = pool.kind.create(device, { ...sizes, capacity: 200 })
  first.prepare(0, 70)
  expect(pool.freePages).toBe(7)
  const second = await first.fork()
  expect(pool.freePages).toBe(7)
  second.prepare(70, 1)
  expect(pool.freePages).toBe(6)
  // The page has no other owner now, so the other sequence appends in place.
  first.prepare(70, 1)
  expect(pool.freePages).toBe(6)
  second.truncate(64)
  expect(pool.freePages).toBe(7)
  // At the end of a page there is nothing to copy.
  second.prepare(64, 1)
  expect(pool.freePages).toBe(6)
  first.dispose()
  first.dispose()
  expect(pool.freePages).toBe(7)
  expect(second.byteLength).toBe(3 * pool.pageBytes + 4 * 7)
  second.dispose()
  expect(pool.freePages).toBe(10)
  pool.dispose()
})

test('a step that finds no page leaves the sequence as it was', async () => {
  const pool = createPagePool(device, { layers, numPages: 3 })
  const [one, other] = [pool.kind.create(device, sizes), pool.kind.create(device, sizes)]
  one.prepare(0, 60)
  expect(() => other.prepare(0, 40)).toThrow(
    expect.objectContaining({
      code: 'out-of-memory',
      message: expect.stringMatching(/needs 2 pages, 1 of 3 are free; dispose or truncate/),
    }),
  )
  expect([other.length, pool.freePages]).toEqual([0, 1])
  other.prepare(0, 32)
  expect(pool.freePages).toBe(0)
  one.dispose()
  other.dispose()
  pool.dispose()
})

test('refuses pages that decode cannot read, sequences of other layers, and steps out of place', () => {
  expect(() => createPagePool(device, { layers, numPages: 3, pageRows: 20 })).toThrow(
    expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringContaining('pageRows must be a positive multiple of 16, not 20'),
    }),
  )
  expect(() => createPagePool(device, { layers, numPages: 3, rows: 'int4' as 'int8' })).toThrow(
    expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringMatching(
        /pages keep their rows as f32, f16, int8 or fp8, not int4: groups of 32 tokens .*; use int8, or quantizedCache for one sequence/,
      ),
    }),
  )
  const pool = createPagePool(device, { layers, numPages: 3 })
  expect(() => pool.kind.create(device, { ...sizes, layers: layers.slice(1) })).toThrow(
    expect.objectContaining({
      code: 'invalid-shape',
      message: expect.stringContaining('the pool was made for other layers: layer 1'),
    }),
  )
  expect(() => pool.kind.create(device, { ...sizes, batch: 2 })).toThrow(
    expect.objectContaining({ code: 'invalid-option' }),
  )
  const sequence = pool.kind.create(device, sizes)
  expect(() => sequence.prepare(1, 1)).toThrow(expect.objectContaining({ code: 'invalid-value' }))
  expect(() => sequence.prepare(0, 151)).toThrow(expect.objectContaining({ code: 'context-full' }))
  expect(() => sequence.truncate(1)).toThrow(expect.objectContaining({ code: 'invalid-value' }))
  sequence.dispose()
  pool.dispose()
})

test('a list of pages counts owners', () => {
  const list = createPageList(2)
  const [a, b] = [list.take(), list.take()]
  expect(() => list.take()).toThrow(expect.objectContaining({ code: 'out-of-memory' }))
  list.share(a)
  list.release(a)
  expect([list.free, list.owners(a), list.owners(b)]).toEqual([0, 1, 1])
  list.release(a)
  expect(list.free).toBe(1)
  expect(() => list.release(a)).toThrow(
    expect.objectContaining({ code: 'invalid-value', message: expect.stringContaining(`page ${a} has no owner`) }),
  )
  expect(() => list.share(a)).toThrow(expect.objectContaining({ code: 'invalid-value' }))
})
