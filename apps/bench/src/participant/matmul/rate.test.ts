import { describe, expect, it } from 'vitest'
import { medianRate } from './rate.ts'

/** A clock that only work moves on. */
function worker(durationOf: (call: number) => number): {
  readonly run: () => Promise<void>
  readonly now: () => number
  readonly calls: () => number
} {
  let time = 0
  let calls = 0
  return {
    run: async () => {
      time += durationOf(calls++)
    },
    now: () => time,
    calls: () => calls,
  }
}

describe('medianRate', () => {
  it('gives calls a millisecond and is not moved by batches that were interrupted', async () => {
    const { run, now } = worker((call) => (call % 20 === 19 ? 12 : 0.5))
    expect(await medianRate(run, 300, 2, now)).toBe(2)
  })

  it('makes batches that are long against the resolution of a clock', async () => {
    const { run, now, calls } = worker(() => 0.01)
    let readings = 0
    expect(
      await medianRate(run, 400, 2, () => {
        readings += 1
        return now()
      }),
    ).toBeCloseTo(100, 6)
    expect(calls() / readings).toBeGreaterThan(20)
  })

  it('measures a call that is longer than its time, once', async () => {
    const { run, now, calls } = worker(() => 1000)
    expect(await medianRate(run, 5, 2, now)).toBe(0.001)
    expect(calls()).toBe(1)
  })
})
