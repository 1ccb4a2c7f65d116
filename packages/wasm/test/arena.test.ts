import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Arena, createArena } from '../src/memory/arena.ts'
import { layout, pageBytes } from '../src/memory/layout.ts'
import { type ArenaMemory, createMemory } from '../src/memory/memory.ts'

const base: number = layout.heap
const make = (maximumBytes = 64 * pageBytes): { readonly arena: Arena; readonly memory: ArenaMemory } => {
  const memory = createMemory(true, maximumBytes)
  return { memory, arena: createArena(memory) }
}
const take = (arena: Arena, ...sizes: readonly number[]): readonly number[] =>
  sizes.map((size) => arena.take(size, 'a block'))

test('blocks are whole multiples of 64 bytes, one after the other, and even an empty one has a place of its own', () => {
  const { arena } = make()
  expect(take(arena, 1, 0, 64, 65, 128)).toEqual([base, base + 64, base + 128, base + 192, base + 320])
  expect(arena.extent).toBe(448)
})

test('the first free range that is large enough is used, and what is left of it stays free', () => {
  const { arena } = make()
  const [small = 0, , large = 0] = take(arena, 64, 64, 256, 64)
  arena.give(small)
  arena.give(large)
  expect(take(arena, 128, 64, 64, 64, 64)).toEqual([large, small, large + 128, large + 192, base + 448])
})

test.each([
  ['forwards', [0, 1, 2]],
  ['backwards', [2, 1, 0]],
  ['the middle last', [0, 2, 1]],
  ['the middle first', [1, 0, 2]],
])('neighbours merge when they are freed: %s', (_, order) => {
  const { arena } = make()
  const blocks = take(arena, 64, 64, 64, 64)
  for (const index of order) arena.give(blocks[index] as number)
  expect(take(arena, 192)).toEqual([base])
  expect(arena.extent).toBe(256)
})

test('free memory at the top is given up, together with what merges with it', () => {
  const { arena } = make()
  const [a = 0, b = 0, c = 0] = take(arena, 64, 64, 64)
  arena.give(b)
  expect(arena.extent).toBe(192)
  arena.give(c)
  expect(arena.extent).toBe(64)
  arena.give(a)
  expect(arena.extent).toBe(0)
})

test('giving back what was not taken, or twice, changes nothing', () => {
  const { arena } = make()
  const [a = 0, b = 0] = take(arena, 64, 64)
  arena.give(a)
  arena.give(a)
  arena.give(a + 64 * 100)
  expect(take(arena, 64, 64)).toEqual([a, b + 64])
})

test('the memory grows on demand, and the views with it', () => {
  const { arena, memory } = make()
  const before = memory.memory.buffer.byteLength
  const [address = 0] = take(arena, 3 * 2 ** 20)
  expect(memory.memory.buffer.byteLength).toBeGreaterThanOrEqual(address + 3 * 2 ** 20)
  expect(memory.memory.buffer.byteLength).toBeLessThanOrEqual(before + 3 * 2 ** 20 + pageBytes)
  expect(memory.bytes().byteLength).toBe(memory.memory.buffer.byteLength)
  expect(memory.words().byteLength).toBe(memory.memory.buffer.byteLength)
  memory.bytes().fill(7, address, address + 3 * 2 ** 20)
  expect(memory.words()[address / 4 + 3 * 2 ** 18 - 1]).toBe(0x07070707)
})

test('the last bytes below the maximum can be taken; one block more is an error with sizes, and changes nothing', () => {
  const { arena } = make()
  const room = 64 * pageBytes - base
  take(arena, room - 64, 64)
  expect(() => arena.take(1, 'a tensor of [1] u8')).toThrow(
    expect.objectContaining({
      code: 'out-of-memory',
      message: expect.stringMatching(
        /a tensor of \[1\] u8 needs the arena to grow to 4194368 bytes.*holds 4194304\).*free tensors/,
      ),
      details: { neededBytes: 4_194_368, arenaBytes: 4_194_304 },
    }),
  )
  expect(arena.extent).toBe(room)
  arena.give(base + room - 64)
  expect(take(arena, 1)).toEqual([base + room - 64])
})

test('blocks never overlap and never leave the memory; when all are freed, nothing is in use', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ take: fc.integer({ min: 0, max: 5000 }) }) },
    { weight: 2, arbitrary: fc.record({ give: fc.nat() }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { arena, memory } = make()
      const live: { readonly address: number; readonly size: number }[] = []
      const overlaps = (address: number, size: number): boolean =>
        live.some((other) => address < other.address + other.size && other.address < address + size)
      for (const one of steps) {
        if ('take' in one) {
          // An empty block has its own address, too.
          const size = Math.max(1, one.take)
          const address = arena.take(one.take, 'a block')
          expect(address % 64).toBe(0)
          expect(address).toBeGreaterThanOrEqual(base)
          expect(address + size).toBeLessThanOrEqual(memory.memory.buffer.byteLength)
          expect(overlaps(address, size)).toBe(false)
          live.push({ address, size })
        } else if (live.length > 0) arena.give(live.splice(one.give % live.length, 1)[0]?.address as number)
        const top = live.reduce((end, { address, size }) => Math.max(end, address + Math.ceil(size / 64) * 64), base)
        expect(arena.extent).toBe(top - base)
      }
      for (const { address } of live) arena.give(address)
      expect(arena.extent).toBe(0)
    }),
    { numRuns: 200 },
  )
})
