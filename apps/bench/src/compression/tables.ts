import type { Activations } from '@tessera-llm/kernels'
import { digits } from '../report/digits.ts'
import type { CompressionReport, MeasuredRow } from './report.ts'

/** The quantities a recipe rounds; rows are comparable within one of these. */
export type RowKind = 'weights' | 'published' | 'ablation' | 'budget' | 'activations' | 'cache' | 'file'

export function kindOfRow({ id, recipe, budget, hasEmbedding }: MeasuredRow): RowKind {
  if (id.startsWith('ablation-')) return 'ablation'
  if (id.startsWith('published-')) return 'published'
  if (recipe.cache) return 'cache'
  if ((recipe.activations ?? 'f32') !== 'f32') return 'activations'
  if (hasEmbedding) return 'file'
  return budget ? 'budget' : 'weights'
}

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const lossHead = ['KL', 'perplexity', 'same first token']
const lossCells = ({ kld, kldStandardError, perplexity, top1Agreement }: MeasuredRow): readonly string[] => [
  withError(kld, kldStandardError),
  perplexity.toFixed(2),
  `${(100 * top1Agreement).toFixed(1)} %`,
]
const anchorHead = ['PyTorch, as published', 'its KL', 'KL ÷ its']
const anchorCells = ({ kld, anchor }: MeasuredRow): readonly string[] =>
  anchor
    ? [
        `${anchor.method}, ${anchor.basis}, ${anchor.bits} bits`,
        `${anchor.kld} ± ${anchor.kldStandardError}`,
        digits(kld / anchor.kld),
      ]
    : ['', '', '']

/** Caches lose little, so print as many digits as the error has. */
function withError(kld: number, error: number): string {
  const places = error > 0 && error < 5e-5 ? 6 : 4
  return `${kld.toFixed(places)} ± ${error.toFixed(places)}`
}

const nameOf = ({ id, isReceipt, isStatic }: MeasuredRow): string =>
  `\`${id}\`${isReceipt ? ' †' : isStatic ? ' ‡' : ''}`
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

export function weightsTable(rows: readonly MeasuredRow[], best: ReadonlySet<string>): string {
  const cells = [...rows]
    .sort((a, b) => a.bitsPerWeight - b.bitsPerWeight || a.kld - b.kld)
    .map((row) => {
      const { id, bitsPerWeight, bytes, seconds } = row
      return [
        best.has(id) ? `**${nameOf(row)}**` : nameOf(row),
        bitsPerWeight.toFixed(2),
        megabytes(bytes),
        ...lossCells(row),
        seconds.apply.toFixed(0),
        ...anchorCells(row),
      ]
    })
  return table(['recipe', 'bits a weight', 'MB', ...lossHead, 's', ...anchorHead], cells)
}

/** Published methods next to their measured figures. */
export function publishedSection(rows: readonly MeasuredRow[]): readonly string[] {
  if (rows.length === 0) return []
  const cells = rows.map((row) => {
    const { id, bitsPerWeight, kld, kldStandardError, anchor } = row
    const within = anchor ? (kld <= anchor.kld + 2 * anchor.kldStandardError ? 'yes' : 'no') : ''
    return [
      `\`${id.slice('published-'.length)}\``,
      bitsPerWeight.toFixed(2),
      withError(kld, kldStandardError),
      row.perplexity.toFixed(2),
      ...anchorCells(row),
      within,
    ]
  })
  return [
    '## Methods as published',
    'Without what the recipes above add to them, on the basis that each figure is for: `merged`, the weights of norms multiplied into the layers that read them; `rotated`, the residual stream turned as well. Within: no more than the figure and two of its standard errors.',
    table(['method', 'bits a weight', 'KL', 'perplexity', ...anchorHead, 'within'], cells),
  ]
}

/** A recipe with one part left out at a time, next to the whole one. */
export function ablationSection(rows: readonly MeasuredRow[]): readonly string[] {
  const whole = rows.find(({ id }) => id === 'ablation-none')
  if (rows.length === 0) return []
  const cells = rows.map((row) => [
    `\`${row.id}\``,
    row.bitsPerWeight.toFixed(2),
    ...lossCells(row),
    whole ? digits(row.kld / whole.kld) : '',
  ])
  return ['## Parts left out', table(['left out', 'bits a weight', ...lossHead, 'KL ÷ that of all parts'], cells)]
}

/** Mixed formats within the bytes of one format, next to that format. */
export function budgetSection(rows: readonly MeasuredRow[], all: readonly MeasuredRow[]): readonly string[] {
  if (rows.length === 0) return []
  const cells = rows.map((row) => {
    const uniform = all.find(({ id }) => id === row.budget?.sameBytesAs)
    const beside = uniform
      ? [
          `\`${uniform.id}\``,
          String(uniform.bytes),
          withError(uniform.kld, uniform.kldStandardError),
          digits(row.kld / uniform.kld),
        ]
      : ['', '', '', '']
    return [
      `\`${row.id}\``,
      String(row.bytes),
      ...lossCells(row),
      (row.budget?.predictedKld ?? 0).toFixed(4),
      row.seconds.apply.toFixed(0),
      ...beside,
    ]
  })
  return [
    '## Formats chosen for a size',
    table(
      ['recipe', 'bytes', ...lossHead, 'predicted KL', 's', 'one format', 'its bytes', 'its KL', 'KL ÷ its'],
      cells,
    ),
  ]
}

/** Weights that share a scale, and bits per code. */
const roundings: Readonly<Record<Activations, string>> = {
  f32: '',
  int8: 'blocks of 32',
  'int8-token': 'a token',
  'int8-static': 'all tokens',
  'int4-token': 'a token, 4 bits',
}

export function activationsSection(rows: readonly MeasuredRow[]): readonly string[] {
  if (rows.length === 0) return []
  const cells = rows.map((row) => [
    `\`${row.id}\``,
    row.bitsPerWeight.toFixed(2),
    roundings[row.recipe.activations ?? 'f32'],
    ...lossCells(row),
    ...anchorCells(row),
  ])
  return [
    '## Rounded inputs of layers',
    'Rounded to 8 bits or 4 as the model runs, with a scale for each block of 32 columns, for each token, or found by calibration for all of them. Weights as the file has them (`stored`, whose head is packed as well, so that its input is rounded too), or those of the recipe: int8 with one scale a row, int4 in groups of 64 (`w4a4`); both are in the loss.',
    table(['recipe', 'bits a weight', 'a scale for', ...lossHead, ...anchorHead], cells),
  ]
}

export function cacheSection(rows: readonly MeasuredRow[], { protocol }: CompressionReport): readonly string[] {
  if (rows.length === 0) return []
  const cells = rows.map((row) => [
    `\`${row.id}\``,
    row.recipe.cache?.format ?? '',
    megabytes(row.cacheBytes ?? 0),
    ...lossCells(row),
    ...anchorCells(row),
  ])
  return [
    '## Caches of keys and values',
    `Weights and inputs of layers in f32. MB for ${protocol.window - 1} tokens, the last ones in f16 among them, which weigh less in longer contexts. Windows are read 32 tokens at a time: as many make a group, and are exact until then.`,
    table(['recipe', 'format', 'MB', ...lossHead, ...anchorHead], cells),
  ]
}

/** Rows written to a file, whatever was compressed. */
export function filesSection(all: readonly MeasuredRow[]): readonly string[] {
  const rows = all.filter(({ isReceipt }) => isReceipt).sort((a, b) => a.fileBytes - b.fileBytes)
  if (rows.length === 0) return []
  return [
    '## Whole files',
    table(
      ['recipe', 'MB', 'embedding compressed', ...lossHead],
      rows.map((row) => [
        `\`${row.id}\``,
        megabytes(row.fileBytes),
        row.hasEmbedding ? 'too' : 'no',
        ...lossCells(row),
      ]),
    ),
  ]
}
