import { basename } from 'node:path'
import type { Machine } from '../machine/index.ts'
import type { Description } from '../participant/index.ts'
import type { Outcome } from '../schedule/index.ts'
import { type KernelLimit, limitsOf, type Profile } from '../profile/index.ts'
import { pairedRatio, quantile, summarize, type Summary } from '../statistics/index.ts'
import type { RoofName, Workload } from '../workload/index.ts'

/** The participant that all others are compared with. */
export const subject = 'tessera'

export interface Figure extends Summary {
  /** Values of each round, in the order measured. */
  readonly values: readonly number[]
  /** Ratio to the subject, round by round: above 1, the subject is better. */
  readonly subjectRatio?: Summary
  /** Fraction of the roof that the median reaches. */
  readonly roofFraction?: number
}

export interface ParticipantRow {
  readonly name: string
  readonly status: Outcome['status'] | 'left out'
  readonly reason?: string
  readonly description?: Description
  readonly figures?: Readonly<Record<string, Figure>>
  /** Median share of the machine that other processes took during the measurement. */
  readonly othersBusy?: number
  /** Its result: token ids, or elements of the product. */
  readonly answer?: readonly number[]
  readonly profile?: ProfileReport
}

/**
 * The round with the least total kernel time, and how close each kernel comes to the roofs; without `limits` if those
 * are unknown.
 */
export interface ProfileReport extends Profile {
  /** In the order of `kernels`. */
  readonly limits?: readonly KernelLimit[]
}

export interface WorkloadReport {
  /** The requested workload, with the model's file name instead of its path. */
  readonly workload: Workload
  readonly participants: readonly ParticipantRow[]
}

/** Best value of any round, by threads: a roof is the best value reached. */
export type Roofs = Readonly<Record<number, Readonly<Partial<Record<RoofName, number>>>>>

export interface Report {
  readonly schema: 1
  /** ISO 8601, UTC. */
  readonly date: string
  readonly machine: Machine
  readonly rounds: number
  readonly roofs: Roofs
  readonly workloads: readonly WorkloadReport[]
}

export function roofsOf(
  measured: readonly { readonly workload: Workload; readonly outcomes: readonly Outcome[] }[],
): Roofs {
  const roofs: Record<number, Partial<Record<RoofName, number>>> = {}
  for (const { workload, outcomes } of measured) {
    if (workload.kind !== 'roof') continue
    for (const outcome of outcomes) {
      if (outcome.status !== 'measured') continue
      const best = (name: string): number => Math.max(...outcome.rounds.map(({ sample }) => sample.figures[name] ?? 0))
      roofs[workload.threads] = Object.fromEntries(workload.metrics.map(({ name }) => [name, best(name)]))
    }
  }
  return roofs
}

export function reportWorkload(workload: Workload, outcomes: readonly Outcome[], roofs: Roofs): WorkloadReport {
  const ours = outcomes.find(({ name }) => name === subject)
  const rows = outcomes.map((outcome): ParticipantRow => {
    if (outcome.status !== 'measured') return outcome
    const figures = workload.metrics.map(({ name, better }, index): readonly [string, Figure] => {
      const values = valuesOf(outcome, name)
      const ratio =
        outcome.name !== subject && ours?.status === 'measured'
          ? pairedRatio(valuesOf(ours, name), values, better)
          : undefined
      const fraction = index === 0 ? fractionOfRoof(workload, quantile(values, 0.5), roofs) : undefined
      return [
        name,
        {
          ...summarize(values),
          values,
          ...(ratio ? { subjectRatio: ratio } : {}),
          ...(fraction === undefined ? {} : { roofFraction: fraction }),
        },
      ]
    })
    const busy = outcome.rounds.map(({ othersBusy }) => othersBusy).filter((share) => share !== undefined)
    const answer = outcome.rounds[0]?.sample.answer
    const profile = bestProfile(outcome, roofs[workload.threads] ?? {})
    return {
      name: outcome.name,
      status: 'measured',
      description: outcome.description,
      figures: Object.fromEntries(figures),
      ...(busy.length === 0 ? {} : { othersBusy: quantile(busy, 0.5) }),
      ...(answer ? { answer } : {}),
      ...(profile ? { profile } : {}),
    }
  })
  const leftOut = Object.entries(workload.leftOut ?? {}).map(
    ([name, reason]): ParticipantRow => ({ name, status: 'left out', reason }),
  )
  return {
    workload:
      'model' in workload
        ? { ...workload, model: basename(workload.model) }
        : 'folder' in workload
          ? { ...workload, folder: basename(workload.folder) }
          : workload,
    participants: [...rows, ...leftOut],
  }
}

function valuesOf(outcome: Outcome & { readonly status: 'measured' }, metric: string): readonly number[] {
  return outcome.rounds.map(({ sample }) => sample.figures[metric] ?? Number.NaN)
}

function bestProfile(
  { rounds }: Outcome & { readonly status: 'measured' },
  roofs: Roofs[number],
): ProfileReport | undefined {
  const total = ({ kernels }: Profile): number => kernels.reduce((sum, { microseconds }) => sum + microseconds, 0)
  const [best] = rounds.flatMap(({ sample: { profile } }) => profile ?? []).sort((a, b) => total(a) - total(b))
  const limits = best && limitsOf(best, roofs)
  return best && { ...best, ...(limits ? { limits } : {}) }
}

function fractionOfRoof({ cost, threads }: Workload, rate: number, roofs: Roofs): number | undefined {
  const reached = roofs[threads]
  if (!cost || !reached) return undefined
  // Products of integers may take the way that is faster on this platform.
  const isInteger = cost.roof === 'dotI8' || cost.roof === 'dotI16'
  const roof = Math.max(reached[cost.roof] ?? 0, isInteger ? (reached.dotAdd ?? 0) : 0)
  return roof ? (rate * cost.workPerUnit) / (roof * 1e9) : undefined
}
