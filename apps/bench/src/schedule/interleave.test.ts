import { describe, expect, it } from 'vitest'
import { UnavailableError } from '../participant/index.ts'
import type { Workload } from '../workload/index.ts'
import { type Entrant, interleaveAll, type InterleaveOptions, type Outcome } from './interleave.ts'

const workload: Workload = {
  kind: 'roof',
  id: 'roof-1t',
  title: 'a roof',
  threads: 1,
  metrics: [{ name: 'read', unit: 'GB/s', better: 'higher' }],
}
const fresh: Workload = { ...workload, isFresh: true }
const monitor = () => () => 0.25

interface Fake {
  readonly log: string[]
  readonly failsIn?: 'start' | 'prepare' | 'close' | number
  readonly isUnavailable?: boolean
}

function fake(name: string, { log, failsIn, isUnavailable = false }: Fake): Entrant {
  let measured = 0
  const fail = (): never => {
    throw isUnavailable ? new UnavailableError(`${name} is not here`) : new Error(`${name} broke`)
  }
  return {
    name,
    start() {
      log.push(`start ${name}`)
      if (failsIn === 'start') fail()
      return {
        pid: 1,
        async prepare({ id }) {
          log.push(`prepare ${name} ${id}`)
          if (failsIn === 'prepare') fail()
          return { version: '1', settings: {} }
        },
        async measure() {
          log.push(`measure ${name}`)
          if (measured === failsIn) fail()
          measured += 1
          return { figures: { read: measured } }
        },
        async close() {
          log.push(`close ${name}`)
          if (failsIn === 'close') fail()
        },
        kill: () => log.push(`kill ${name}`),
      }
    },
  }
}

async function interleave(
  workload: Workload,
  entrants: readonly Entrant[],
  options: InterleaveOptions,
): Promise<readonly Outcome[]> {
  return (await interleaveAll([{ workload, entrants }], options))[0] as readonly Outcome[]
}

describe('interleaveAll', () => {
  it('measures workloads in turn, each with its own warm-up, and reports them apart', async () => {
    const log: string[] = []
    const [first, second] = [workload, { ...workload, id: 'roof-2t', isUnwarmed: true }]
    const races = [
      { workload: first, entrants: [fake('a', { log }), fake('b', { log })] },
      { workload: second, entrants: [fake('c', { log }), fake('d', { log, failsIn: 'prepare' })] },
    ]
    const outcomes = await interleaveAll(races, { rounds: 2, monitor })
    expect(log.filter((entry) => entry.startsWith('measure')).map((entry) => entry.at(-1))).toEqual([
      ...['a', 'b'],
      ...['a', 'b', 'c'],
      ...['a', 'b', 'c'],
    ])
    expect(log).toContain('prepare c roof-2t')
    expect(outcomes.map((all) => all.map(({ name, status }) => `${name} ${status}`))).toEqual([
      ['a measured', 'b measured'],
      ['c measured', 'd failed'],
    ])
    expect(outcomes[1]?.[0]).toMatchObject({
      rounds: [{ sample: { figures: { read: 1 } } }, { sample: { figures: { read: 2 } } }],
    })
  })
})

describe('interleaveAll of one workload', () => {
  it('counts every round of a workload without warm-up', async () => {
    const log: string[] = []
    const [outcome] = await interleave({ ...workload, isUnwarmed: true }, [fake('a', { log })], { rounds: 2, monitor })
    expect(log.filter((entry) => entry === 'measure a')).toHaveLength(2)
    expect(outcome).toMatchObject({
      rounds: [{ sample: { figures: { read: 1 } } }, { sample: { figures: { read: 2 } } }],
    })
  })

  it('gives every participant its turn in every round and does not count the first round', async () => {
    const log: string[] = []
    const outcomes = await interleave(workload, [fake('a', { log }), fake('b', { log })], { rounds: 2, monitor })
    expect(log).toEqual([
      'start a',
      'prepare a roof-1t',
      'start b',
      'prepare b roof-1t',
      'measure a',
      'measure b',
      'measure a',
      'measure b',
      'measure a',
      'measure b',
      'close a',
      'close b',
    ])
    expect(
      outcomes.map(
        (outcome) =>
          outcome.status === 'measured' &&
          outcome.rounds.map(({ sample, othersBusy }) => [sample.figures['read'], othersBusy]),
      ),
    ).toEqual([
      [
        [2, 0.25],
        [3, 0.25],
      ],
      [
        [2, 0.25],
        [3, 0.25],
      ],
    ])
  })

  it('rests before each measurement', async () => {
    const log: string[] = []
    await interleave(workload, [fake('a', { log }), fake('b', { log })], {
      rounds: 1,
      monitor,
      rest: async () => void log.push('rest'),
    })
    expect(log.slice(4, -2)).toEqual([
      'rest',
      'measure a',
      'rest',
      'measure b',
      'rest',
      'measure a',
      'rest',
      'measure b',
    ])
  })

  it('starts a process for every round where the workload asks for fresh ones', async () => {
    const log: string[] = []
    await interleave(fresh, [fake('a', { log }), fake('b', { log })], { rounds: 1, monitor })
    const turn = (name: string): readonly string[] => [
      `start ${name}`,
      `prepare ${name} roof-1t`,
      `measure ${name}`,
      `close ${name}`,
    ]
    expect(log).toEqual([...turn('a'), ...turn('b'), ...turn('a'), ...turn('b')])
  })

  it('goes on without a participant that fails, ends it, and keeps none of its rounds', async () => {
    const log: string[] = []
    const outcomes = await interleave(workload, [fake('a', { log, failsIn: 2 }), fake('b', { log })], {
      rounds: 3,
      monitor,
    })
    expect(outcomes[0]).toEqual({ name: 'a', status: 'failed', reason: 'a broke' })
    expect(log.filter((line) => line === 'measure a')).toHaveLength(3)
    expect(log).toContain('kill a')
    expect(log).not.toContain('close a')
    const other = outcomes[1]
    expect(other?.status === 'measured' && other.rounds).toHaveLength(3)
  })

  it.each(['start', 'prepare'] as const)('says why a participant is not there (%s)', async (failsIn) => {
    const log: string[] = []
    const outcomes = await interleave(
      workload,
      [fake('a', { log, failsIn, isUnavailable: true }), fake('b', { log })],
      { rounds: 1, monitor },
    )
    expect(outcomes[0]).toEqual({ name: 'a', status: 'unavailable', reason: 'a is not here' })
    expect(outcomes[1]?.status).toBe('measured')
    expect(log).not.toContain('measure a')
  })

  it('does not count who cannot end cleanly', async () => {
    const outcomes = await interleave(workload, [fake('a', { log: [], failsIn: 'close' })], { rounds: 1, monitor })
    expect(outcomes[0]?.status).toBe('failed')
  })
})
