import { describe, expect, it } from 'vitest'
import type { Outcome, Round } from '../schedule/index.ts'
import type { Workload } from '../workload/index.ts'
import { digits } from './digits.ts'
import { renderMarkdown } from './markdown.ts'
import { type Report, reportWorkload, roofsOf } from './report.ts'

const roof: Workload = {
  kind: 'roof',
  id: 'roof-1t',
  title: 'the roof',
  threads: 1,
  metrics: [{ name: 'read', unit: 'GB/s', better: 'higher' }],
}
const decode: Workload = {
  kind: 'decode',
  id: 'decode-1t',
  title: 'decode 4 tokens',
  threads: 1,
  metrics: [{ name: 'rate', unit: 'tok/s', better: 'higher' }],
  model: '/somewhere/private/model.gguf',
  contextLength: 8,
  promptTokens: 4,
  tokens: 4,
  cost: { roof: 'read', workPerUnit: 1e8 },
  leftOut: { slow: 'it takes minutes' },
}

const measured = (name: string, metric: string, values: readonly number[], answer?: readonly number[]): Outcome => ({
  name,
  status: 'measured',
  description: { version: `${name} 1.0`, settings: { threads: 1, cache: 'f16' } },
  rounds: values.map((value) => ({
    sample: { figures: { [metric]: value }, ...(answer ? { answer } : {}) },
    othersBusy: 0.1,
  })),
})

const outcomes = [
  measured('tessera', 'rate', [200, 100, 300], [5, 6, 7]),
  measured('peer', 'rate', [100, 50, 100], [5, 6, 8]),
  { name: 'gone', status: 'unavailable', reason: 'run pnpm bench:setup' } as const,
]
const roofs = roofsOf([{ workload: roof, outcomes: [measured('roofline', 'read', [30, 40, 35])] }])

describe('roofsOf', () => {
  it('takes the best round, by threads', () => {
    expect(roofs).toEqual({ 1: { read: 40 } })
  })
})

describe('reportWorkload', () => {
  const {
    workload,
    participants: [tessera, peer, gone, slow],
  } = reportWorkload(decode, outcomes, roofs)

  it('compares round by round and states the part of the roof', () => {
    expect(tessera?.figures?.['rate']).toEqual({
      median: 200,
      q1: 150,
      q3: 250,
      rounds: 3,
      values: [200, 100, 300],
      roofFraction: 0.5,
    })
    expect(peer?.figures?.['rate']?.subjectRatio).toEqual({ median: 2, q1: 2, q3: 2.5, rounds: 3 })
    expect(peer?.figures?.['rate']?.roofFraction).toBe(0.25)
  })

  it('keeps who was not measured, with the reason', () => {
    expect(gone).toEqual({ name: 'gone', status: 'unavailable', reason: 'run pnpm bench:setup' })
    expect(slow).toEqual({ name: 'slow', status: 'left out', reason: 'it takes minutes' })
  })

  it('carries no path of the machine', () => {
    expect(workload).toMatchObject({ model: 'model.gguf' })
  })

  it('takes no ratio without the subject', () => {
    const { participants } = reportWorkload(decode, outcomes.slice(1), roofs)
    expect(participants[0]?.figures?.['rate']?.subjectRatio).toBeUndefined()
  })
})

describe('renderMarkdown', () => {
  const machine = {
    processor: 'Some CPU',
    processors: 2,
    memoryGiB: 24,
    platform: 'linux x64',
    node: '20.0.0',
    v8: '11.3',
  }
  const report: Report = {
    schema: 1,
    date: '2026-01-02T03:04:05Z',
    machine,
    rounds: 3,
    roofs,
    workloads: [reportWorkload(decode, outcomes, roofs)],
  }
  const text = renderMarkdown(report)

  it('has a row for each participant that was measured and a note for each other one', () => {
    expect(text).toContain('| decode 4 tokens | 1 | tessera | 200 [150–250] tok/s | 50 % |  | 10 % |')
    expect(text).toContain('| decode 4 tokens | 1 | peer | 100 [75.0–100] tok/s | 25 % | 2.00 [2.00–2.50] × | 10 % |')
    expect(text).toContain('- gone unavailable: run pnpm bench:setup (decode-1t)')
    expect(text).toContain('- slow left out: it takes minutes (decode-1t)')
  })

  it('says where generated texts part', () => {
    expect(text).toContain('Greedy tokens differ from those of tessera: peer after 2 of 3 tokens (decode-1t)')
  })

  it('says how each participant was set', () => {
    expect(text).toContain('- **peer** peer 1.0: cache f16')
  })
})

describe('a profile', () => {
  const workload: Workload = {
    kind: 'profile',
    id: 'profile-1t',
    title: 'one token',
    threads: 1,
    metrics: [{ name: 'step', unit: 'ms', better: 'lower' }],
    model: '/somewhere/model.gguf',
    contextLength: 8,
    position: 7,
    tokens: 1,
  }
  const round = (attention: number): Round => ({
    othersBusy: undefined,
    sample: {
      figures: { step: 0.15 },
      profile: {
        integerPeak: 'dotI8',
        stages: 30,
        replayMs: 0.15,
        timedReplayMs: 0.18,
        kernels: [
          {
            kernel: 'linear/rows8',
            detail: '16 × 64 q4_1',
            launches: 7,
            microseconds: 80,
            bytesRead: 1_600_000,
            flops: 3_200_000,
            isInteger: true,
            stages: { round: 8, product: 72 },
          },
          {
            kernel: 'attention/flash',
            detail: '8 keys f32',
            launches: 1,
            microseconds: attention,
            bytesRead: 400_000,
            flops: 400_000,
            isInteger: false,
            stages: { attend: attention },
          },
        ],
      },
    },
  })
  const outcome: Outcome = {
    name: 'tessera',
    status: 'measured',
    description: { version: '1', settings: {} },
    rounds: [round(40), round(20), round(30)],
  }
  const render = (known: typeof roofs): string =>
    renderMarkdown({
      schema: 1,
      date: '2026-01-02T03:04:05Z',
      machine: {
        processor: 'Some CPU',
        processors: 2,
        memoryGiB: 24,
        platform: 'linux x64',
        node: '20.0.0',
        v8: '11.3',
      },
      rounds: 3,
      roofs: known,
      workloads: [reportWorkload(workload, [outcome], known)],
    })

  it('is that of the shortest round, with the fraction of the limit that each kernel reaches', () => {
    const text = render({ 1: { read: 40, fmaF32: 50, dotI8: 200 } })
    expect(text).toContain('### one token, 1 thread')
    expect(text).toContain(
      '| linear/rows8 | 16 × 64 q4_1 | 7 | 80.0 | 80 % | 1.60 | 3.20 | 20.0 | 40.0 | 40.0 | read | 50 % | round 10 %, product 90 % |',
    )
    expect(text).toContain(
      '| attention/flash | 8 keys f32 | 1 | 20.0 | 20 % | 0.400 | 0.400 | 20.0 | 20.0 | 10.0 | read | 50 % |  |',
    )
    expect(text).toContain('| **all** |  | 8 | 100 |  | 2.00 | 3.60 | 20.0 | 36.0 | 50.0 |  | 50 % |  |')
  })

  it('says how far attention is from its limit and what the timing costs', () => {
    const text = render({ 1: { read: 40, fmaF32: 50, dotI8: 200 } })
    expect(text).toContain('- Attention takes 20.0 µs, 20 % of the step: 2.00 × its limit of 10.0 µs.')
    expect(text).toContain(
      '- The step takes 150 µs in one go and 180 µs when its 30 stages are timed one by one: the timing costs 1.00 µs a stage, 20 % in all. The shortest times of each stage sum up to 100 µs, 67 % of the step.',
    )
  })

  it('leaves limits out where the roofs are not known', () => {
    expect(render({ 2: { read: 40, fmaF32: 50, dotI8: 200 } })).toContain(
      '| attention/flash | 8 keys f32 | 1 | 20.0 | 20 % | 0.400 | 0.400 | 20.0 | 20.0 |  |  |  |  |',
    )
  })
})

describe('digits', () => {
  it('keeps three and never writes an exponent', () => {
    expect(digits(0)).toBe('0')
    expect([0.0123, 1.006, 99.94, 1234567].map(digits)).toEqual(['0.0123', '1.01', '99.9', '1234567'])
  })
})
