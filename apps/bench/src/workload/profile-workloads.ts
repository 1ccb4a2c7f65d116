import type { Metric, ProfileWorkload } from './workload.ts'

const times: readonly Metric[] = ['step', 'step, timed stage by stage', 'sum of the shortest stages'].map((name) => ({
  name,
  unit: 'ms',
  better: 'lower',
}))

const steps = [
  { name: 'at-64', title: 'one token at position 64', position: 64, tokens: 1 },
  { name: 'at-1k', title: 'one token at position 1024', position: 1024, tokens: 1 },
  { name: 'at-4k', title: 'one token at position 4096', position: 4096, tokens: 1 },
  { name: 'prompt', title: '128 tokens of a prompt', position: 0, tokens: 128 },
] as const

/** One step of the model at `path`, taken apart by kernels. */
export function profileWorkloads(path: string): readonly ProfileWorkload[] {
  return [1, 2].flatMap((threads) =>
    steps.map(
      ({ name, title, position, tokens }): ProfileWorkload => ({
        kind: 'profile',
        id: `profile-${name}-${threads}t`,
        title,
        threads,
        metrics: times,
        model: path,
        contextLength: position + tokens,
        position,
        tokens,
      }),
    ),
  )
}
