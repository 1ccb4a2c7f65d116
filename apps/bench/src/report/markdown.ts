import type { Summary } from '../statistics/index.ts'
import type { Workload } from '../workload/index.ts'
import { renderProfile } from './profile-markdown.ts'
import { digits } from './digits.ts'
import { type ParticipantRow, type Report, subject, type WorkloadReport } from './report.ts'

const titles: Readonly<Record<Workload['kind'], string>> = {
  roof: 'What the machine can do',
  decode: 'Generating text',
  prefill: 'Reading a prompt',
  load: 'Loading',
  op: 'Single operators',
  profile: 'Where the time of a step goes',
  'gemm-f32': 'Matrix product, f32',
  'gemm-int8': 'Matrix product, int8 weights, input rounded to int8',
  'gemm-4bit':
    'Matrix product, 4-bit weights in blocks of 32, input rounded to int8; of peers, the same weights in int8',
  attention: 'Attention, causal, f32',
  'attention-gradient': 'Gradients of attention, causal, f32',
  'attention-decode': 'One more token over a context, f32',
  embed: 'Texts to vectors, all-MiniLM-L6-v2',
  'gemv-4bit': 'Vector times 4-bit weights, input rounded to int8',
  format: 'Linear layers by the format of their weights',
  quantize: 'A model file made smaller',
  encode: 'Making blocks of f32 values',
}

/** The report for readers; `[a–b]` are the quartiles of the rounds. */
export function renderMarkdown(report: Report): string {
  const { machine } = report
  const sections = Object.keys(titles).map((kind) =>
    renderKind(report.workloads.filter(({ workload }) => workload.kind === kind)),
  )
  return [
    '# Tessera beside its peers',
    `${report.date.slice(0, 10)} · ${machine.processor}, ${machine.processors} processors, ${machine.memoryGiB} GiB · ${machine.platform} · Node.js ${machine.node} (V8 ${machine.v8}) · ${report.rounds} interleaved rounds, medians with [quartiles]. How to read this: [README](../README.md).`,
    ...sections.filter((section) => section !== ''),
    renderVersions(report),
  ]
    .join('\n\n')
    .concat('\n')
}

function renderKind(workloads: readonly WorkloadReport[]): string {
  const first = workloads[0]?.workload
  if (!first) return ''
  const rows = workloads.flatMap(renderWorkload)
  const notes = notesOf(workloads)
  return [
    `## ${titles[first.kind]}`,
    [
      '| what | threads | participant | median [quartiles] | of the roof | Tessera is better by | others busy |',
      '|---|---|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    ...workloads.flatMap(({ workload, participants }) =>
      participants.flatMap(({ profile }) => (profile ? [renderProfile(workload, profile)] : [])),
    ),
  ].join('\n\n')
}

function renderWorkload({ workload, participants }: WorkloadReport): readonly string[] {
  const rows: string[] = []
  for (const { name: metric, unit } of workload.metrics) {
    const what =
      workload.metrics.length > 1 ? `${workload.kind === 'roof' ? '' : `${workload.title}: `}${metric}` : workload.title
    for (const { name, figures, othersBusy } of participants) {
      const figure = figures?.[metric]
      if (!figure) continue
      const ratio = figure.subjectRatio
      const cells = [
        what,
        workload.threads,
        name,
        `${spread(figure)} ${unit}`,
        figure.roofFraction === undefined ? '' : `${(100 * figure.roofFraction).toFixed(0)} %`,
        ratio ? `${spread(ratio)} ×` : '',
        othersBusy === undefined ? '' : `${(100 * othersBusy).toFixed(0)} %`,
      ]
      rows.push(`| ${cells.join(' | ')} |`)
    }
  }
  return rows
}

const spread = ({ median, q1, q3, rounds }: Summary): string =>
  rounds === 1 ? digits(median) : `${digits(median)} [${digits(q1)}–${digits(q3)}]`

function notesOf(workloads: readonly WorkloadReport[]): readonly string[] {
  const notes = new Map<string, string[]>()
  const note = (text: string, id: string): void => void notes.set(text, [...(notes.get(text) ?? []), id])
  for (const { workload, participants } of workloads) {
    for (const { name, status, reason } of participants)
      if (status !== 'measured') note(`${name} ${status}: ${reason?.split('\n')[0]}`, workload.id)
    const difference = 'promptTokens' in workload ? tokenDifference(participants) : undefined
    if (difference) note(difference, workload.id)
  }
  return [...notes].map(([text, ids]) => `- ${text} (${ids.join(', ')})`)
}

/** Participants whose text differs from the subject's (or the first's), and after how many tokens. */
function tokenDifference(participants: readonly ParticipantRow[]): string | undefined {
  const answering = participants.filter(({ answer }) => answer !== undefined)
  const base = answering.find(({ name }) => name === subject) ?? answering[0]
  const differences = answering.flatMap(({ name, answer = [] }) => {
    const length = Math.min(answer.length, base?.answer?.length ?? 0)
    const at = answer.slice(0, length).findIndex((token, index) => token !== base?.answer?.[index])
    return at < 0 ? [] : [`${name} after ${at} of ${length} tokens`]
  })
  return differences.length === 0
    ? undefined
    : `Greedy tokens differ from those of ${base?.name}: ${differences.join(', ')}`
}

function renderVersions({ workloads }: Report): string {
  const lines = new Map<string, string>()
  for (const { participants } of workloads) {
    for (const { name, description } of participants) {
      if (!description || name === 'roofline') continue
      const settings = Object.entries(description.settings)
        .filter(([key]) => key !== 'threads')
        .map(([key, value]) => `${key} ${value}`)
      const text = `- **${name}** ${description.version}${settings.length > 0 ? `: ${settings.join(', ')}` : ''}`
      lines.set(text, text)
    }
  }
  return ['## Versions and settings', [...lines.keys()].sort().join('\n')].join('\n\n')
}
