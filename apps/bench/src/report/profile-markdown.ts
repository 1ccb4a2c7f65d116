import type { Workload } from '../workload/index.ts'
import { digits } from './digits.ts'
import type { ProfileReport } from './report.ts'

/** A step as a table with a row per kernel, then how far attention is from its limit and the overhead of timing. */
export function renderProfile({ title, threads }: Workload, profile: ProfileReport): string {
  const { kernels, limits } = profile
  const rows = kernels.map(({ kernel, detail, launches, microseconds, bytesRead, flops, stages }, index) => {
    const limit = limits?.[index]
    const parts = Object.entries(stages)
    return [
      kernel,
      detail,
      launches,
      digits(microseconds),
      percent(microseconds / totalOf(profile)),
      digits(bytesRead / 1e6),
      digits(flops / 1e6),
      digits(bytesRead / (1000 * microseconds)),
      digits(flops / (1000 * microseconds)),
      limit ? digits(limit.limitMicroseconds) : '',
      limit?.bound ?? '',
      limit ? percent(limit.fraction) : '',
      parts.length < 2 ? '' : parts.map(([entry, spent]) => `${entry} ${percent(spent / microseconds)}`).join(', '),
    ]
  })
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const total = totalOf(profile)
  const limit = limits && sum(limits.map(({ limitMicroseconds }) => limitMicroseconds))
  const bytes = sum(kernels.map(({ bytesRead }) => bytesRead))
  const flops = sum(kernels.map((kernel) => kernel.flops))
  rows.push([
    '**all**',
    '',
    sum(kernels.map(({ launches }) => launches)),
    digits(total),
    '',
    digits(bytes / 1e6),
    digits(flops / 1e6),
    digits(bytes / (1000 * total)),
    digits(flops / (1000 * total)),
    limit === undefined ? '' : digits(limit),
    '',
    limit === undefined ? '' : percent(limit / total),
    '',
  ])
  return [
    `### ${title}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    [
      '| kernel | on | launches | µs | share | MB read | M operations | GB/s | G operations/s | limit µs | bound by | of the limit | stages |',
      '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
      ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    ].join('\n'),
    [...attentionLines(profile), timingLine(profile)].join('\n'),
  ].join('\n\n')
}

const percent = (part: number): string =>
  `${part < 0 ? '−' : ''}${(100 * Math.abs(part)).toFixed(Math.abs(part) < 0.0995 ? 1 : 0)} %`
const totalOf = ({ kernels }: ProfileReport): number => kernels.reduce((sum, { microseconds }) => sum + microseconds, 0)

function attentionLines(profile: ProfileReport): readonly string[] {
  return profile.kernels.flatMap(({ kernel, microseconds }, index) => {
    const limit = profile.limits?.[index]
    if (!limit || !kernel.startsWith('attention/')) return []
    return [
      `- Attention takes ${digits(microseconds)} µs, ${percent(limit.share)} of the step: ${digits(1 / limit.fraction)} × its limit of ${digits(limit.limitMicroseconds)} µs.`,
    ]
  })
}

/** Error of the table: stages that are timed one by one are also started one by one. */
function timingLine(profile: ProfileReport): string {
  const { stages, replayMs, timedReplayMs } = profile
  const cost = timedReplayMs - replayMs
  return `- The step takes ${digits(1000 * replayMs)} µs in one go and ${digits(1000 * timedReplayMs)} µs when its ${stages} stages are timed one by one: the timing costs ${signed((1000 * cost) / stages)} µs a stage, ${percent(cost / replayMs)} in all. The shortest times of each stage sum up to ${digits(totalOf(profile))} µs, ${percent(totalOf(profile) / (1000 * replayMs))} of the step.`
}

const signed = (value: number): string => (value < 0 ? `−${digits(-value)}` : digits(value))
