import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attentionOp } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { type Capabilities, describeProblem } from '@tessera-llm/tensor'
import { type Plot, type Series, writePlot } from '../plot/index.ts'
import { digits } from '../report/digits.ts'
import type { Report, Roofs, WorkloadReport } from '../report/index.ts'
import { type AttentionWorkload, cacheBytesOf, operationsOf } from '../workload/index.ts'
import { attentionTraffic } from './attention-traffic.ts'
import { mergeReports } from './merge.ts'
import { table } from './table.ts'

interface Measured {
  readonly workload: AttentionWorkload
  readonly participants: WorkloadReport['participants']
  /** Clock of the run it is from: processors do not always run at one clock. */
  readonly roofs: Roofs[number] | undefined
}

/**
 * Writes `attention.md` and its plots, light and dark, from reports with attention workloads, as parts of one
 * measurement; writes nothing if there are none.
 */
export function writeAttentionScene(reports: readonly Report[], folder: string): void {
  const measured = reports.flatMap(({ workloads, roofs }) =>
    workloads.flatMap(({ workload, participants }): readonly Measured[] =>
      'kvHeads' in workload ? [{ workload, participants, roofs: roofs[workload.threads] }] : [],
    ),
  )
  if (measured.length === 0) return
  const report = mergeReports(reports)
  const of = (kind: AttentionWorkload['kind'], threads = 1): readonly Measured[] =>
    measured.filter(({ workload }) => workload.kind === kind && workload.threads === threads)
  const byLength = (rows: readonly Measured[]): readonly Measured[] =>
    [...rows].sort((a, b) => a.workload.length - b.workload.length)
  const { machine, date, rounds } = report
  const subtitle = `${machine.processor}, Node.js ${machine.node}, causal, 64 channels, medians of ${rounds} rounds`
  const picture = (name: string, plot: Plot): string => writePlot(folder, name, plot)
  const sections = [
    '# Attention, measured',
    `${date.slice(0, 10)} · ${subtitle}. Every figure, with quartiles and with what else the machine did meanwhile, is in the JSON beside this page.`,
    renderMemory(picture),
    ...[1, 2].flatMap((threads) => [
      ...(of('attention', threads).length > 0
        ? [renderSpeed('Forward', threads, byLength(of('attention', threads)), subtitle, picture)]
        : []),
      ...(of('attention-gradient', threads).length > 0
        ? [renderSpeed('Backward', threads, byLength(of('attention-gradient', threads)), subtitle, picture)]
        : []),
    ]),
    ...(of('attention-decode').length > 0
      ? [renderDecode(of('attention-decode'), `${subtitle}, one thread`, picture)]
      : []),
  ]
  writeFileSync(join(folder, 'attention.md'), `${sections.join('\n\n')}\n`)
}

type Picture = (name: string, plot: Plot) => string
const powers = Array.from({ length: 8 }, (_, i) => 128 * 2 ** i)
const mib = (bytes: number): string => `${digits(bytes / 2 ** 20)} MiB`

/** FlashAttention's claim (Dao et al. 2022): fewer bytes moved, and memory that grows with N instead of N². */
function renderMemory(picture: Picture): string {
  const rows = powers.map((length) => ({ length, ...attentionTraffic(length, 64), ...scratchOf(length) }))
  const line = (name: string, y: (row: (typeof rows)[number]) => number, style?: Series['style']): Series => ({
    name,
    points: rows.map((row) => ({ x: row.length, y: y(row) / 2 ** 20 })),
    ...(style ? { style } : {}),
  })
  const x = { label: 'sequence length N (tokens)', scale: 'log2' } as const
  return [
    '## Bytes moved, and memory',
    'One causal head of 64 channels in f32. Bytes moved are counted from the loops of the WebGPU kernels, between memory and workgroups, as if no cache lay between; the least is each input and output once. Scratch memory is what the kernels ask the device for, besides inputs and outputs: `plain` keeps all scores, `flash` a block of rows and a tile of keys, on WebGPU in memory of the workgroup.',
    table(
      [
        'N',
        'plain moves',
        'flash moves',
        'ratio',
        'least',
        'plain keeps (WebGPU)',
        '(WebAssembly)',
        'flash keeps (WebGPU)',
        '(WebAssembly)',
      ],
      rows.map(({ length, plain, flash, least, plainScratch, plainWasmScratch, flashScratch, flashWasmScratch }) => [
        String(length),
        mib(plain),
        mib(flash),
        `${digits(plain / flash)} ×`,
        mib(least),
        mib(plainScratch),
        mib(plainWasmScratch),
        mib(flashScratch),
        mib(flashWasmScratch),
      ]),
    ),
    picture('attention-traffic', {
      title: 'Bytes moved by one causal head',
      subtitle: 'counted from the tiling of the WebGPU kernels, 64 channels, f32',
      x,
      y: { label: 'MiB', scale: 'log10' },
      series: [
        line('plain', ({ plain }) => plain),
        line('flash', ({ flash }) => flash),
        line('inputs and outputs once', ({ least }) => least, 'dashed'),
      ],
    }),
    picture('attention-memory', {
      title: 'Scratch memory of one head',
      subtitle: 'what the kernels ask for besides inputs and outputs, 64 channels, f32',
      x,
      y: { label: 'MiB', scale: 'log10' },
      series: [
        line('plain: all scores', ({ plainScratch }) => plainScratch),
        line('flash (WebAssembly): one block and one tile', ({ flashWasmScratch }) => flashWasmScratch),
        line('inputs and outputs', ({ least }) => least, 'dashed'),
      ],
    }),
  ].join('\n\n')
}

/** Computed from the kernels' own data. */
function scratchOf(length: number): {
  readonly plainScratch: number
  readonly plainWasmScratch: number
  readonly flashScratch: number
  readonly flashWasmScratch: number
} {
  const rows = { kind: 'dense', dtype: 'f32', shape: [1, 1, length, 64] } as const
  const problem = describeProblem(
    attentionOp,
    { q: rows, k: rows, v: rows },
    { isCausal: true },
  ) as unknown as Parameters<NonNullable<(typeof attentionWasm)[number]['scratchBytes']>>[0]
  const none: Capabilities = { device: 'reference', features: new Set() } as unknown as Capabilities
  const sum = (sizes: Readonly<Record<string, number>> = {}): number =>
    Object.values(sizes).reduce((total, size) => total + size, 0)
  const webgpu = (name: string): number =>
    sum(
      attentionWebgpu.find((kernel) => kernel.op === 'attention' && kernel.name === name)?.temporaries?.(problem, none),
    )
  const wasm = (name: string): number =>
    attentionWasm
      .find((kernel) => kernel.op === 'attention' && kernel.name === name)
      ?.scratchBytes?.(problem, 1, none) ?? 0
  return {
    plainScratch: webgpu('plain'),
    plainWasmScratch: wasm('plain'),
    flashScratch: webgpu('flash'),
    flashWasmScratch: wasm('flash'),
  }
}

function renderSpeed(
  pass: 'Forward' | 'Backward',
  threads: number,
  measured: readonly Measured[],
  subtitle: string,
  picture: Picture,
): string {
  const names = [
    ...new Set(
      measured.flatMap(({ participants }) =>
        participants.filter(({ status }) => status === 'measured').map((row) => row.name),
      ),
    ),
  ]
  const rate = ({ participants }: Measured, participant: string): number | undefined =>
    participants.find((row) => row.name === participant)?.figures?.['rate']?.median
  const roof = rangeOf(measured.map(({ roofs }) => roofs?.fmaF32))
  const time = (one: Measured, value: number): number => operationsOf(one.workload) / value / 1e6
  const rows = measured.map((one) => [
    String(one.workload.length),
    ...names.map((participant) => {
      const value = rate(one, participant)
      return value === undefined
        ? 'not measured'
        : `${digits(time(one, value))} ms, ${digits(value)} GFLOP/s${participant === 'tessera' && one.roofs?.fmaF32 ? ` (${((100 * value) / one.roofs.fmaF32).toFixed(0)} %)` : ''}`
    }),
  ])
  const ratios = measured.map((one) => [
    String(one.workload.length),
    ...names
      .filter((participant) => participant !== 'tessera')
      .map((participant) => {
        const ratio = one.participants.find((row) => row.name === participant)?.figures?.['rate']?.subjectRatio?.median
        return ratio === undefined ? '' : `${digits(ratio)} ×`
      }),
  ])
  const absent = measured
    .flatMap(({ participants }) => participants.filter(({ status }) => status !== 'measured'))
    .map((row) => `${row.name}: ${row.reason?.split('\n')[0]}`)
  const count = threads === 1 ? 'one thread' : 'two threads'
  const series = names.map(
    (participant): Series => ({
      name: participant,
      points: measured.flatMap((one) => {
        const value = rate(one, participant)
        return value === undefined ? [] : [{ x: one.workload.length, y: time(one, value) }]
      }),
    }),
  )
  return [
    `## ${pass}, ${count}`,
    `Two heads with keys of their own; useful operations of the causal half, ${pass === 'Forward' ? 'two products' : 'five products'} a pair.${roof ? ` In brackets: part of the ${roof} GFLOP/s that fused multiply-adds of SIMD128 reached in the same run.` : ''}`,
    table(['N', ...names], rows),
    `How many times faster \`tessera\` (flash) is, round by round:`,
    table(['N', ...names.filter((participant) => participant !== 'tessera')], ratios),
    ...(absent.length > 0 ? [[...new Set(absent)].map((text) => `- not measured: ${text}`).join('\n')] : []),
    picture(`attention-${pass.toLowerCase()}${threads === 1 ? '' : `-${threads}t`}`, {
      title: `${pass} pass, two heads`,
      subtitle: `${subtitle}, ${count}`,
      x: { label: 'sequence length N (tokens)', scale: 'log2' },
      y: { label: 'time (ms)', scale: 'log10' },
      series,
    }),
  ].join('\n\n')
}

/** `59.1`, or `59.1 to 69.6` if runs differ. */
function rangeOf(values: readonly (number | undefined)[]): string | undefined {
  const known = [...new Set(values.filter((value) => value !== undefined))].sort((a, b) => a - b)
  return known.length === 0 ? undefined : [known[0] as number, ...known.slice(1).slice(-1)].map(digits).join(' to ')
}

/**
 * The claim of multi-query and grouped-query attention (Shazeer 2019, Ainslie et al. 2023): time follows the bytes of
 * the cache.
 */
function renderDecode(measured: readonly Measured[], subtitle: string, picture: Picture): string {
  const named = measured.map((one) => ({ ...one, name: one.workload.id.split('-').slice(2, -1).join('-') }))
  const time = ({ participants }: Measured): number | undefined =>
    participants.find(({ name }) => name === 'tessera')?.figures?.['time']?.median
  const limit = ({ workload, roofs }: Measured): number | undefined =>
    roofs?.read && roofs.fmaF32
      ? Math.max(cacheBytesOf(workload) / roofs.read, operationsOf(workload) / roofs.fmaF32) / 1e3
      : undefined
  const names = [...new Set(named.map(({ name }) => name))]
  const rows = named.flatMap((one) => {
    const [measuredTime, least] = [time(one), limit(one)]
    return measuredTime === undefined
      ? []
      : [
          [
            one.name,
            `${one.workload.heads} / ${one.workload.kvHeads}`,
            String(one.workload.length),
            mib(cacheBytesOf(one.workload)),
            `${digits(measuredTime)} µs`,
            `${digits(cacheBytesOf(one.workload) / measuredTime / 1e3)} GB/s`,
            ...(least === undefined
              ? ['', '']
              : [`${digits(least)} µs`, `${((100 * least) / measuredTime).toFixed(0)} %`]),
          ],
        ]
  })
  const line = (name: string, y: (one: Measured) => number | undefined, style?: Series['style']): Series => ({
    name,
    points: named
      .filter((one) => one.name === name.split(',')[0])
      .flatMap((one) => {
        const value = y(one)
        return value === undefined ? [] : [{ x: one.workload.length, y: value }]
      }),
    ...(style ? { style } : {}),
  })
  const series = [
    ...names.map((name) => line(name, time)),
    ...names.map((name) => line(`${name}, limit`, limit, 'dashed')),
  ].filter(({ points }) => points.length > 0)
  return [
    '## One more token: MHA, GQA and MQA',
    `Eight query heads of 64 channels over a cache in f32; the whole group of query heads reads each key and value once. The limit is the longer of reading the cache at ${rangeOf(measured.map(({ roofs }) => roofs?.read)) ?? 'unmeasured'} GB/s and computing at ${rangeOf(measured.map(({ roofs }) => roofs?.fmaF32)) ?? 'unmeasured'} GFLOP/s: where several query heads share a key, there is more to compute for each byte.`,
    table(['heads', 'query / KV', 'context', 'cache', 'time a token', 'reads', 'limit', 'of the limit'], rows),
    picture('attention-decode', {
      title: 'One token over a context',
      subtitle,
      x: { label: 'context (tokens)', scale: 'log2' },
      y: { label: 'time (µs)', scale: 'log10' },
      series,
    }),
  ].join('\n\n')
}
