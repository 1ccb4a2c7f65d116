import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ModelWorkload } from '../../workload/index.ts'
import { createModelParticipant, type ModelAdapter } from './serve-model.ts'

const common = { id: 'x', title: 'x', threads: 1, metrics: [], model: 'model.gguf', contextLength: 64 } as const
const decode: ModelWorkload = { ...common, kind: 'decode', promptTokens: 3, tokens: 4 }
const prefill: ModelWorkload = { ...common, kind: 'prefill', promptTokens: 5 }
const load: ModelWorkload = { ...common, kind: 'load', tokens: 2 }

/** Timers may end a little early, and figures below are bounded by these times. */
async function wait(milliseconds: number): Promise<void> {
  for (const end = performance.now() + milliseconds; performance.now() < end; ) await setTimeout(1)
}

/** Counts up: after token n comes n + 1. */
function counting(log: string[], { isLazy = false } = {}): ModelAdapter {
  return {
    describe: ({ threads }) => ({ version: '1', settings: { threads } }),
    async open() {
      log.push('open')
      await wait(30)
      return {
        tokenize: async (text) => text.split(' ').map(Number),
        async prefill(ids) {
          log.push(`prefill ${ids.join(' ')}`)
          await wait(20)
          return (ids.at(-1) as number) + 1
        },
        async generate(first, count) {
          log.push(`generate ${first} ${count}`)
          await wait(10)
          return Array.from({ length: isLazy ? 1 : count }, (_, index) => first + 1 + index)
        },
        truncate: async (length) => void log.push(`truncate ${length}`),
        peakBytes: () => 5 * 2 ** 20,
        close: async () => void log.push('close'),
      }
    },
  }
}
const text = (): string => Array.from({ length: 20 }, (_, index) => index + 1).join(' ')

describe('createModelParticipant', () => {
  it('decodes every round from the same prompt', async () => {
    const log: string[] = []
    const participant = createModelParticipant(counting(log), text)
    expect(await participant.prepare(decode)).toEqual({ version: '1', settings: { threads: 1 } })
    const [first, second] = [await participant.measure(), await participant.measure()]
    await participant.close()
    expect(log).toEqual(['open', 'prefill 1 2 3', 'truncate 3', 'generate 4 4', 'truncate 3', 'generate 4 4', 'close'])
    expect(first.answer).toEqual([5, 6, 7, 8])
    expect(second.answer).toEqual(first.answer)
    // Four tokens in 10 ms or more.
    expect(first.figures['rate']).toBeLessThan(420)
    expect(first.figures['rate']).toBeGreaterThan(0)
  })

  it('prefills every round into an empty cache', async () => {
    const log: string[] = []
    const participant = createModelParticipant(counting(log), text)
    await participant.prepare(prefill)
    const { figures, answer } = await participant.measure()
    expect(log.slice(-2)).toEqual(['truncate 0', 'prefill 1 2 3 4 5'])
    expect(answer).toEqual([6])
    expect(figures['rate']).toBeLessThan(255)
  })

  it('counts loading from before the library is there, and memory after the last token', async () => {
    const log: string[] = []
    const participant = createModelParticipant(counting(log), text)
    await participant.prepare(load)
    expect(log).toEqual([])
    const { figures } = await participant.measure()
    expect(figures['load']).toBeGreaterThanOrEqual(29)
    expect(figures['first token']).toBeGreaterThanOrEqual((figures['load'] ?? 0) + 19)
    expect(figures['peak memory']).toBe(5)
    expect(log.at(-1)).toBe('generate 17 2')
  })

  it('refuses a text that is too short and a library that generates fewer tokens than asked', async () => {
    await expect(createModelParticipant(counting([]), () => '1 2').prepare(decode)).rejects.toThrow(
      'the text has 2 tokens',
    )
    const lazy = createModelParticipant(counting([], { isLazy: true }), text)
    await lazy.prepare(decode)
    await expect(lazy.measure()).rejects.toThrow('1 tokens came out of 4')
  })

  it('refuses what no model does', async () => {
    await expect(
      createModelParticipant(counting([]), text).prepare({
        kind: 'roof',
        id: 'r',
        title: 'r',
        threads: 1,
        metrics: [],
      }),
    ).rejects.toThrow('no roof')
  })
})
