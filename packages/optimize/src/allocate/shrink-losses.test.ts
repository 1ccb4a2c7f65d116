import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { meanOf, meansOfRuns, shrinkLosses } from './shrink-losses.ts'

/**
 * Divergences of eight runs of 16 tokens: a difficulty of each run that all weights share, times noise of each weight
 * that is correlated over eight tokens.
 */
function measured(
  means: readonly number[],
  { seed = 1, noise = 0.8, kind = 'mlp.up' } = {},
): Map<string, readonly number[]> {
  const random = createRandom(seed)
  const hard = Float64Array.from({ length: 128 }, () => Math.exp(random.normal()))
  return new Map(
    means.map((mean, layer) => {
      const own = Float64Array.from({ length: 16 }, () => Math.exp(noise * random.normal() - noise ** 2 / 2))
      return [
        `layers.${layer}.${kind}`,
        meansOfRuns(
          hard.map((value, token) => (mean * value * (own[token >> 3] as number)) / Math.exp(0.5)),
          8,
        ),
      ]
    }),
  )
}
const spreadOf = (values: readonly number[]): number => {
  const logs = values.map(Math.log)
  const center = logs.reduce((sum, log) => sum + log, 0) / logs.length
  return Math.sqrt(logs.reduce((sum, log) => sum + (log - center) ** 2, 0) / (logs.length - 1))
}

const sumOf = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0)

test('where noise alone differs, little of the difference is left, and the sum stays', () => {
  const spreads = [1, 2, 3, 4, 5, 6].map((seed) => {
    const runs = measured(new Array(30).fill(1e-3), { seed })
    const means = [...runs.values()].map(meanOf)
    const losses = [...shrinkLosses(runs).values()]
    expect(sumOf(losses) / sumOf(means)).toBeCloseTo(1, 10)
    expect(spreadOf(means)).toBeGreaterThan(0.15)
    return spreadOf(losses) / spreadOf(means)
  })
  expect(meanOf(spreads)).toBeLessThan(0.35)
})

test('what truly differs stays, nearer to the truth than what was measured', () => {
  const random = createRandom(9)
  const truth = Array.from({ length: 30 }, () => 1e-3 * Math.exp(0.3 * random.normal()))
  let [before, after] = [0, 0]
  for (let seed = 20; seed < 40; seed++) {
    const runs = measured(truth, { seed, noise: 1 })
    // The difficulty is common to all weights, so only ratios can be correct.
    const errorOf = (losses: readonly number[]): number =>
      spreadOf(losses.map((loss, layer) => loss / (truth[layer] as number)))
    before += errorOf([...runs.values()].map(meanOf))
    after += errorOf([...shrinkLosses(runs).values()])
  }
  expect(after).toBeLessThan(0.9 * before)
})

test('one weight that matters a hundred times as much keeps that', () => {
  const runs = measured(Array.from({ length: 12 }, (_, layer) => (layer === 5 ? 0.1 : 1e-3)))
  const name = 'layers.5.mlp.up'
  expect((shrinkLosses(runs).get(name) as number) / meanOf(runs.get(name) as readonly number[])).toBeGreaterThan(0.8)
})

test('kinds are apart, and few of a kind are left as they were', () => {
  const runs = new Map([
    ...measured([1e-3, 3e-3, 2e-3]),
    ...measured([5e-2], { kind: 'mlp.down' }),
    ['embedding', new Array<number>(8).fill(0)] as const,
  ])
  expect([...shrinkLosses(runs)]).toEqual([...runs].map(([name, values]) => [name, meanOf(values)]))
})

test('runs of values that follow each other', () => {
  expect(meansOfRuns(Float64Array.of(1, 3, 5, 7, 9), 2)).toEqual([2, 7])
})
