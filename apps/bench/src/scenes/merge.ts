import { TesseraError } from '@tessera-llm/tensor'
import type { Report, Roofs } from '../report/index.ts'

/** Merges parts of one measurement, run one after another: workloads in order, and the best value of each roof. */
export function mergeReports([first, ...others]: readonly Report[]): Report {
  if (!first) throw new TesseraError('invalid-value', 'scene: there is no report to draw')
  const all = [first, ...others]
  const rounds = Math.min(...all.map((report) => report.rounds))
  const roofs: Record<number, Roofs[number]> = {}
  for (const report of all) {
    for (const [threads, found] of Object.entries(report.roofs)) {
      const known = roofs[Number(threads)] ?? {}
      roofs[Number(threads)] = {
        ...known,
        ...Object.fromEntries(
          Object.entries(found).map(([name, value]) => [name, Math.max(value, known[name as keyof typeof known] ?? 0)]),
        ),
      }
    }
  }
  return {
    ...first,
    rounds,
    roofs,
    workloads: all.flatMap(({ workloads }) => workloads.filter(({ workload }) => workload.kind !== 'roof')),
  }
}
