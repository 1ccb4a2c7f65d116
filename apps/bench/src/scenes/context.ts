import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Series, writePlot } from '../plot/index.ts'
import { digits } from '../report/digits.ts'
import type { Report, Roofs } from '../report/index.ts'
import { cacheBits, type CacheName, type CacheWorkload } from '../workload/index.ts'
import { table } from './table.ts'

/** Output of `tessera eval MODEL --against MODEL --cache NAME --json` for a cache. */
export interface CacheLoss {
  readonly cache: CacheName
  readonly kld: number
  readonly kldStandardErrorClustered: number
}

interface Measured {
  readonly workload: CacheWorkload
  readonly milliseconds: Readonly<Record<string, number>>
}

const names = { f32: 'f32', f16: 'f16', int8: 'q8_0', int4: 'q4_0' } as const

/**
 * Writes `context.md` and its plot from a report with cache workloads: the time that a longer context adds to a token.
 */
export function writeContextScene(report: Report, losses: readonly CacheLoss[], folder: string): void {
  const measured = report.workloads.flatMap(({ workload, participants }): readonly Measured[] => {
    if (workload.kind !== 'decode' || workload.cache === undefined || workload.perPosition === undefined) return []
    const times = participants.flatMap(({ name, figures }) =>
      figures?.['rate'] ? [[name, 1000 / figures['rate'].median] as const] : [],
    )
    return [{ workload: workload as CacheWorkload, milliseconds: Object.fromEntries(times) }]
  })
  const { machine, date, rounds } = report
  const roofs = report.roofs[1]
  const rows = measured
    .filter(({ workload }) => workload !== shortest(measured, workload.cache)?.workload)
    .map((one) => rowOf(one, measured, roofs, losses))
  const series = (['tessera', 'llama.cpp'] as const)
    .flatMap((participant) =>
      [...new Set(measured.map(({ workload }) => workload.cache))].map(
        (cache): Series => ({
          name: `${participant}, ${participant === 'tessera' ? cache : names[cache]}`,
          ...(participant === 'tessera' ? {} : { style: 'dashed' }),
          points: measured
            .filter(({ workload }) => workload.cache === cache)
            .flatMap((one) => {
              const added = addedTime(one, measured, participant)
              return added === undefined || added <= 0 ? [] : [{ x: one.workload.promptTokens, y: added }]
            }),
        }),
      ),
    )
    .filter(({ points }) => points.length > 0)
  const subtitle = `${machine.processor}, Node.js ${machine.node}, one thread, medians of ${rounds} rounds`
  const sections = [
    '# Long contexts, measured',
    `${date.slice(0, 10)} · SmolLM2-135M, ${subtitle}. A token after so many others, less a token after 16: what attention adds. The limit is the longer of reading keys and values at ${digits(roofs?.read ?? 0)} GB/s and computing at ${digits(roofs?.fmaF32 ?? 0)} GFLOP/s (f32 multiply-adds; products of integers may pass it). KL is by \`tessera eval MODEL --against MODEL --cache NAME --protocol all\` on 16 windows of 512 tokens of WikiText-2. llama.cpp keeps f16, q8_0 and q4_0 in their place.`,
    table(
      [
        'cache',
        'context',
        'tessera',
        'adds',
        'limit',
        'adds ÷ limit',
        'llama.cpp',
        'adds',
        'tessera adds less by',
        'KL',
      ],
      rows,
    ),
    writePlot(folder, 'context-added', {
      title: 'Time that attention adds to a token',
      subtitle,
      x: { label: 'context (tokens)', scale: 'log2' },
      y: { label: 'ms', scale: 'log10' },
      series,
    }),
  ]
  writeFileSync(join(folder, 'context.md'), `${sections.join('\n\n')}\n`)
}

function shortest(measured: readonly Measured[], cache: CacheName): Measured | undefined {
  return measured
    .filter(({ workload }) => workload.cache === cache)
    .sort((a, b) => a.workload.promptTokens - b.workload.promptTokens)[0]
}

/** Milliseconds per token beyond those with the shortest context. */
function addedTime(
  { workload, milliseconds }: Measured,
  measured: readonly Measured[],
  participant: string,
): number | undefined {
  const [here, base] = [milliseconds[participant], shortest(measured, workload.cache)?.milliseconds[participant]]
  return here === undefined || base === undefined || workload === shortest(measured, workload.cache)?.workload
    ? undefined
    : here - base
}

function rowOf(
  one: Measured,
  measured: readonly Measured[],
  roofs: Roofs[number] | undefined,
  losses: readonly CacheLoss[],
): readonly string[] {
  const {
    cache,
    promptTokens,
    perPosition: { elements, operations },
  } = one.workload
  const positions = promptTokens - (shortest(measured, cache)?.workload.promptTokens ?? 0)
  const limit =
    roofs?.read && roofs.fmaF32
      ? Math.max((positions * elements * cacheBits[cache]) / 8 / roofs.read, (positions * operations) / roofs.fmaF32) /
        1e6
      : undefined
  const ms = (value: number | undefined): string => (value === undefined ? '' : `${digits(value)} ms`)
  const [ours, theirs] = [addedTime(one, measured, 'tessera'), addedTime(one, measured, 'llama.cpp')]
  const loss = losses.find((entry) => entry.cache === cache)
  return [
    cache,
    String(promptTokens),
    ms(one.milliseconds['tessera']),
    ms(ours),
    ms(limit),
    ours === undefined || limit === undefined ? '' : `${(ours / limit).toFixed(2)}`,
    ms(one.milliseconds['llama.cpp']),
    ms(theirs),
    ours === undefined || theirs === undefined ? '' : `${digits(theirs / ours)} ×`,
    cache === 'f32'
      ? '0'
      : loss
        ? `${loss.kld.toExponential(1)} ± ${loss.kldStandardErrorClustered.toExponential(0)}`
        : '',
  ]
}
