import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairedRatio, quantile, summarize } from './statistics.ts'

describe('quantile', () => {
  it('interpolates between neighbours as R type 7 does', () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75)
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([5, 1, 9], 0.5)).toBe(5)
    expect(quantile([7], 0.75)).toBe(7)
  })

  it('lies within the sample, grows with p and does not reorder its argument', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, a, b) => {
          const before = [...values]
          const [low, high] = [quantile(values, Math.min(a, b)), quantile(values, Math.max(a, b))]
          expect(values).toEqual(before)
          expect(low).toBeGreaterThanOrEqual(Math.min(...values))
          expect(high).toBeLessThanOrEqual(Math.max(...values))
          expect(low).toBeLessThanOrEqual(high + 1e-6)
        },
      ),
    )
  })

  it('refuses an empty sample, a fraction outside 0 … 1 and values that are no numbers', () => {
    expect(() => quantile([], 0.5)).toThrow('empty')
    expect(() => quantile([1], 1.5)).toThrow('between 0 and 1')
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow('finite')
  })
})

describe('summarize', () => {
  it('is not moved by one wild round', () => {
    expect(summarize([10, 11, 12, 11, 1000])).toEqual({ median: 11, q1: 11, q3: 12, rounds: 5 })
  })
})

describe('pairedRatio', () => {
  it('cancels what slows both sides of a round', () => {
    const load = [1, 0.5, 0.25, 1, 0.8]
    const ratio = pairedRatio(
      load.map((x) => 130 * x),
      load.map((x) => 100 * x),
      'higher',
    )
    expect(ratio?.median).toBeCloseTo(1.3, 12)
    expect((ratio?.q3 ?? 0) - (ratio?.q1 ?? 0)).toBeLessThan(1e-12)
  })

  it('says above 1 for the better side where lower is better', () => {
    expect(pairedRatio([100], [250], 'lower')?.median).toBe(2.5)
  })

  it('leaves out rounds that one side has not', () => {
    expect(pairedRatio([2, undefined, 9], [1, 1, 3], 'higher')).toEqual({ median: 2.5, q1: 2.25, q3: 2.75, rounds: 2 })
    expect(pairedRatio([2, undefined], [undefined, 1], 'higher')).toBeUndefined()
  })

  it('refuses sides of different length and figures that no ratio can be taken of', () => {
    expect(() => pairedRatio([1], [1, 2], 'higher')).toThrow('same rounds')
    expect(() => pairedRatio([0], [1], 'higher')).toThrow('positive')
  })
})
