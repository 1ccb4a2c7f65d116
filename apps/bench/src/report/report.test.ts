import { describe, expect, it } from 'vitest'
import type { Outcome } from '../schedule/index.ts'
import type { Workload } from '../workload/index.ts'
import { digits, renderMarkdown } from './markdown.ts'
import { type Report, reportWorkload, roofsOf } from './report.ts'

const roof: Workload = { kind: 'roof', id: 'roof-1t', title: 'the roof', threads: 1, metrics: [{ name: 'read', unit: 'GB/s', better: 'higher' }] }
const decode: Workload = {
  kind: 'decode', id: 'decode-1t', title: 'decode 4 tokens', threads: 1, metrics: [{ name: 'rate', unit: 'tok/s', better: 'higher' }], model: '/somewhere/private/model.gguf', contextLength: 8, promptTokens: 4, tokens: 4,
  cost: { roof: 'read', workPerUnit: 1e8 }, leftOut: { slow: 'it takes minutes' },
}

const measured = (name: string, metric: string, values: readonly number[], answer?: readonly number[]): Outcome => ({
  name, status: 'measured', description: { version: `${name} 1.0`, settings: { threads: 1, cache: 'f16' } },
  rounds: values.map((value) => ({ sample: { figures: { [metric]: value }, ...(answer ? { answer } : {}) }, othersBusy: 0.1 })),
})

const outcomes = [measured('tessera', 'rate', [200, 100, 300], [5, 6, 7]), measured('peer', 'rate', [100, 50, 100], [5, 6, 8]), { name: 'gone', status: 'unavailable', reason: 'run pnpm bench:setup' } as const]
const roofs = roofsOf([{ workload: roof, outcomes: [measured('roofline', 'read', [30, 40, 35])] }])

describe('roofsOf', () => {
  it('takes the best round, by threads', () => {
    expect(roofs).toEqual({ 1: { read: 40 } })
  })
})

describe('reportWorkload', () => {
  const { workload, participants: [tessera, peer, gone, slow] } = reportWorkload(decode, outcomes, roofs)

  it('compares round by round and states the part of the roof', () => {
    expect(tessera?.figures?.['rate']).toEqual({ median: 200, q1: 150, q3: 250, rounds: 3, values: [200, 100, 300], roofFraction: 0.5 })
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
  const machine = { processor: 'Some CPU', processors: 2, memoryGiB: 24, platform: 'linux x64', node: '20.0.0', v8: '11.3' }
  const report: Report = { schema: 1, date: '2026-01-02T03:04:05Z', machine, rounds: 3, roofs, workloads: [reportWorkload(decode, outcomes, roofs)] }
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

describe('digits', () => {
  it('keeps three and never writes an exponent', () => {
    expect([0.0123, 1.006, 99.94, 1234567].map(digits)).toEqual(['0.0123', '1.01', '99.9', '1234567'])
  })
})
