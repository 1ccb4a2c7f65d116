import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plot, type Series, writePlot } from '../plot/index.ts'
import type { CompressionReport, MeasuredRow } from './report.ts'
import {
  ablationSection,
  activationsSection,
  budgetSection,
  cacheSection,
  filesSection,
  kindOfRow,
  publishedSection,
  type RowKind,
  weightsTable,
} from './tables.ts'

/** Writes `compression.md` and the plot of quality by bytes, light and dark. */
export function writeCompression(report: CompressionReport, folder: string): void {
  const { machine, model, protocol, threads } = report
  const rowsOf = (...kinds: readonly RowKind[]): readonly MeasuredRow[] =>
    report.rows.filter((row) => kinds.includes(kindOfRow(row)))
  const layers = rowsOf('weights', 'budget')
  const sections = [
    '# What recipes lose',
    `${report.date.slice(0, 10)} · ${model.name} · ${machine.processor}, Node.js ${machine.node}, ${threads === 1 ? 'one thread' : `${threads} threads`} of WebAssembly. By \`node apps/bench/bin/compression.js --calibrate ${protocol.calibration} --evaluate ${protocol.evaluation}\`; rows marked † by \`tessera optimize\`, as their [receipts](../../../../docs/receipts) say; those marked ‡ with the importance of activations of the original model, gathered once.`,
    `Calibration on the first 32 × ${protocol.window} tokens of WikiText-2 valid, evaluation on the first ${protocol.windows} × ${protocol.window} of test, every position scored, no BOS. KL is that of the compressed model from the original (perplexity ${model.perplexity.toFixed(2)}), token by token, ± standard error with windows as clusters. Seconds are those of a busy machine, and of rows that were added later those of another one.`,
    'The figures of PyTorch are those of careful implementations of the published methods on the same protocol, f32, groups of 64; its own seeds.',
    '## Weights',
    'The linear layers of all blocks are compressed, embedding and head stay as they are. Bits and bytes count scales and zero points. **Bold**: no other row, those with chosen formats included, has fewer bits and loses less.',
    ...(layers.length > 0
      ? [
          weightsTable(rowsOf('weights'), frontierOf(layers)),
          writePlot(folder, 'compression-frontier', plotOf({ ...report, rows: layers })),
        ]
      : []),
    ...publishedSection(rowsOf('published')),
    ...ablationSection(rowsOf('ablation')),
    ...budgetSection(rowsOf('budget'), report.rows),
    ...activationsSection(rowsOf('activations')),
    ...cacheSection(rowsOf('cache'), report),
    ...filesSection(report.rows),
    ...notesOf(report.rows),
  ]
  writeFileSync(join(folder, 'compression.md'), `${sections.join('\n\n')}\n`)
}

/** Ids of the rows on the Pareto front of bits and loss. */
export function frontierOf(rows: readonly MeasuredRow[]): ReadonlySet<string> {
  const best = new Set<string>()
  let least = Number.POSITIVE_INFINITY
  for (const { id, kld } of [...rows].sort((a, b) => a.bitsPerWeight - b.bitsPerWeight || a.kld - b.kld)) {
    if (kld >= least) continue
    least = kld
    best.add(id)
  }
  return best
}

function plotOf({ rows, model, protocol }: CompressionReport): Plot {
  const kinds = [...new Set(rows.map(kindOf))]
  const frontier = frontierOf(rows)
  const at = ({ bytes, kld }: MeasuredRow): { readonly x: number; readonly y: number } => ({ x: bytes / 1e6, y: kld })
  const best = rows.filter(({ id }) => frontier.has(id)).sort((a, b) => a.bytes - b.bytes)
  const published = new Map(
    rows.flatMap(({ anchor, weights }) =>
      anchor
        ? [
            [
              `${anchor.method} ${anchor.basis} ${anchor.bits}`,
              { x: (weights * anchor.bits) / 8e6, y: anchor.kld },
            ] as const,
          ]
        : [],
    ),
  )
  const series: Series[] = [
    ...kinds.map(
      (kind): Series => ({
        name: kind,
        style: 'dots',
        points: rows
          .filter((row) => kindOf(row) === kind)
          .map((row) => ({ ...at(row), ...(frontier.has(row.id) ? { label: row.id } : {}) })),
      }),
    ),
    ...(published.size > 0
      ? [{ name: 'PyTorch, as published', style: 'dots', points: [...published.values()] } satisfies Series]
      : []),
    { name: 'the least loss', style: 'dashed', points: best.map(at) },
  ]
  return {
    title: 'Loss by bytes',
    subtitle: `${model.name}: linear layers of the blocks; ${protocol.windows} × ${protocol.window} tokens of WikiText-2 test`,
    x: { label: 'linear layers with scales and zero points (MB)', fromZero: false },
    y: { label: 'KL from the original (nats a token)', scale: 'log10' },
    series,
  }
}

/** Groups that the plot distinguishes. */
function kindOf({ budget, recipe: { steps } }: MeasuredRow): string {
  if (budget) return 'formats chosen'
  const methods = steps.flatMap((step) => (step.kind === 'quantize' ? [step] : []))
  const isRotated = steps.some(({ kind }) => kind === 'rotate')
  if (steps.some(({ kind }) => kind === 'awq')) return 'AWQ'
  if (methods.some(({ method }) => method === 'gptq')) return isRotated ? 'rotated, GPTQ' : 'GPTQ'
  if (methods.every(({ format }) => typeof format === 'string')) return "llama.cpp's types"
  return isRotated ? 'rotated, to nearest' : 'to nearest, HQQ'
}

function notesOf(rows: readonly MeasuredRow[]): readonly string[] {
  const notes = rows.flatMap(({ id, notes: all }) => all.map((note) => `- \`${id}\`: ${note}`))
  return notes.length > 0 ? [notes.join('\n')] : []
}
