import { expect, test } from 'vitest'
import { createRandom, philox } from './index.ts'

// Known-answer vectors of philox4x32-10 published with Random123 (kat_vectors).
test.for<[number[], number[], number[]]>([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
])('philox4x32-10 of %o under %o', ([counter, key, words]) => {
  expect(philox(counter as [number, number, number, number], key as [number, number])).toEqual(words)
})

test('a stream is the words of consecutive counters, in order', () => {
  const words = [0, 1].flatMap((block) => philox([block, 0, 7, 0], [5, 1]))
  const random = createRandom(2 ** 32 + 5, 7)
  expect(words.map(() => random.uniform())).toEqual(words.map((word) => (word >>> 8) / 2 ** 24))
})

test('seeds and streams are independent sequences; the same ones repeat', () => {
  const draw = (seed: number, stream?: number): number[] => {
    const random = createRandom(seed, stream)
    return Array.from({ length: 8 }, () => random.normal())
  }
  expect(draw(3)).toEqual(draw(3, 0))
  expect(draw(3)).not.toEqual(draw(4))
  expect(draw(3)).not.toEqual(draw(3, 1))
  expect(draw(3)).not.toEqual(draw(3 + 2 ** 32))
})

test('uniform is exact in f32 and lies in [0, 1)', () => {
  const random = createRandom(1)
  for (let i = 0; i < 10_000; i++) {
    const value = random.uniform()
    if (!(value >= 0 && value < 1 && Math.fround(value) === value)) expect.fail(`${value}`)
  }
})

test('normal has the moments of the standard normal distribution', () => {
  const random = createRandom(2)
  const count = 100_000
  const moments = [0, 0, 0, 0]
  for (let i = 0; i < count; i++) {
    const value = random.normal()
    for (const order of moments.keys()) moments[order] = (moments[order] as number) + value ** (order + 1) / count
  }
  // Standard errors of the four moments: 0.003, 0.0045, 0.012, 0.031.
  expect(Math.abs(moments[0] as number)).toBeLessThan(0.015)
  expect(Math.abs((moments[1] as number) - 1)).toBeLessThan(0.02)
  expect(Math.abs(moments[2] as number)).toBeLessThan(0.06)
  expect(Math.abs((moments[3] as number) - 3)).toBeLessThan(0.15)
})

test('integers are uniform below the bound', () => {
  const random = createRandom(3)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 20_000; i++) {
    const value = random.integer(10)
    counts[value] = (counts[value] as number) + 1
  }
  expect(counts.length).toBe(10)
  expect(counts.reduce((chi, count) => chi + (count - 2000) ** 2 / 2000, 0)).toBeLessThan(30)
  expect(createRandom(4).integer(1)).toBe(0)
})
