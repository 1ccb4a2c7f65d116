import { type Description, type Participant, type Sample, UnavailableError } from '../participant/index.ts'
import type { Workload } from '../workload/index.ts'

/** A participant that can take part; starting it costs nothing until its turn comes. */
export interface Entrant {
  readonly name: string
  start(): Participant & { kill(): void; readonly pid: number }
}

/**
 * Returns which share of the machine other processes took while `pid` and its descendants worked; undefined if unknown.
 */
export type LoadMonitor = (pid: number) => () => number | undefined

export interface Round {
  readonly sample: Sample
  /** Share of the machine's processors that other processes took meanwhile, 0 … 1. */
  readonly othersBusy: number | undefined
}

export type Outcome =
  | {
      readonly name: string
      readonly status: 'measured'
      readonly description: Description
      readonly rounds: readonly Round[]
    }
  | { readonly name: string; readonly status: 'unavailable' | 'failed'; readonly reason: string }

export interface InterleaveOptions {
  readonly rounds: number
  readonly monitor: LoadMonitor
  /**
   * Awaited before each measurement: threads of the previous one may poll for work for a while, on a processor that the
   * next one needs.
   */
  readonly rest?: () => Promise<unknown>
  readonly onProgress?: (message: string) => void
}

/** A workload and who takes part in it. */
export interface Race {
  readonly workload: Workload
  readonly entrants: readonly Entrant[]
}

interface Lane {
  readonly workload: Workload
  readonly entrant: Entrant
  readonly rounds: Round[]
  participant?: ReturnType<Entrant['start']>
  description?: Description
  excuse?: { readonly status: 'unavailable' | 'failed'; readonly reason: string }
}

/**
 * Measures every entrant of every workload in every round, one after another (A B C, A B C, …), so that a slow minute of
 * the machine affects all of them. A first round warms up and is not counted, unless the workload `isUnwarmed`. An
 * entrant that fails is removed from the workload, earlier rounds included: those would have met another machine than
 * the later rounds of the others. Returns the outcomes by workload.
 */
export async function interleaveAll(
  races: readonly Race[],
  { rounds, monitor, rest, onProgress = () => {} }: InterleaveOptions,
): Promise<readonly (readonly Outcome[])[]> {
  const lanes: readonly Lane[] = races.flatMap(({ workload, entrants }) =>
    entrants.map((entrant): Lane => ({ workload, entrant, rounds: [] })),
  )
  const attempt = async (lane: Lane, work: () => Promise<void>): Promise<void> => {
    if (lane.excuse) return
    try {
      await work()
    } catch (error) {
      lane.excuse = {
        status: error instanceof UnavailableError ? 'unavailable' : 'failed',
        reason: error instanceof Error ? error.message : String(error),
      }
      lane.participant?.kill()
      onProgress(`${lane.workload.id}: ${lane.entrant.name} ${lane.excuse.status}: ${lane.excuse.reason}`)
    }
  }
  const open = async (lane: Lane): Promise<void> => {
    lane.participant = lane.entrant.start()
    lane.description = await lane.participant.prepare(lane.workload)
  }
  const close = async (lane: Lane): Promise<void> => {
    const { participant } = lane
    delete lane.participant
    await participant?.close()
  }
  const measure = async (lane: Lane, round: number): Promise<void> => {
    const { workload } = lane
    if (workload.isFresh) await open(lane)
    if (!lane.participant) throw new UnavailableError('it was never started')
    await rest?.()
    const stopMonitor = monitor(lane.participant.pid)
    const sample = await lane.participant.measure()
    const othersBusy = stopMonitor()
    if (round >= 0) lane.rounds.push({ sample, othersBusy })
    if (workload.isFresh) await close(lane)
    const shown = workload.metrics.map(
      ({ name, unit }) => `${name} ${sample.figures[name]?.toPrecision(4) ?? 'missing'} ${unit}`,
    )
    onProgress(
      `${workload.id}: ${lane.entrant.name} ${round < 0 ? 'warm-up' : `round ${round + 1}`}: ${shown.join(', ')}`,
    )
  }

  try {
    const lasting = lanes.filter(({ workload }) => !workload.isFresh)
    for (const lane of lasting) await attempt(lane, () => open(lane))
    for (let round = -1; round < rounds; round++)
      for (const lane of lanes)
        if (round >= 0 || !lane.workload.isUnwarmed) await attempt(lane, () => measure(lane, round))
    for (const lane of lasting) await attempt(lane, () => close(lane))
  } finally {
    for (const lane of lanes) lane.participant?.kill()
  }
  return races.map(({ workload }) =>
    lanes
      .filter((lane) => lane.workload === workload)
      .map(({ entrant: { name }, rounds: measured, description, excuse }) => {
        if (excuse) return { name, ...excuse }
        if (!description) return { name, status: 'failed', reason: 'it gave no description of itself' }
        return { name, status: 'measured', description, rounds: measured }
      }),
  )
}
