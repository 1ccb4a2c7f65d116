import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { cutWindows, measurePerplexity } from '@tessera-llm/evaluation'
import { type GgufCheckpoint, readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { type Calibration, calibrate, subjectOf } from '@tessera-llm/optimize'
import { createSolver } from '@tessera-llm/optimize/wasm'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, createTokenizerFromGguf } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { defaultFamilies, loadCheckpoint } from '@tessera-llm/tessera'
import { createWasmDevice } from '@tessera-llm/wasm'
import {
  type CompressionReport,
  type CompressionRow,
  compressionRows,
  everyRow,
  gatheredOnce,
  keepLogits,
  keptSession,
  type MeasuredRow,
  measureRow,
  rowsOfReceipts,
  writeCompression,
} from './compression/index.ts'
import { describeMachine } from './machine/index.ts'

const usage = `node apps/bench/bin/compression.js --calibrate TEXT --evaluate TEXT [options]

  --calibrate TEXT    the text that methods look at (WikiText-2 valid)
  --evaluate TEXT     another one, on which the loss is measured (WikiText-2 test)
  --model PATH        a GGUF model (default: SmolLM2-135M-Instruct.Q4_1.gguf, brought by tooling/models.sh)
  --only ID[,ID]      rows to measure (default: all that the report does not have); none, to draw the report again: --only ''
  --again             measure rows that the report has already
  --receipts FOLDER   takes receipts of the same model and protocol into the report
  --out FOLDER        where compression.json and compression.md go (default: apps/bench/results)
  --work FOLDER       where what is done is kept on the way, 1.7 GB (default: in the folder of temporary files)
  --threads N         of the WebAssembly device (default 2)
  --window N          tokens a window of both texts, for models whose context is shorter (default 512)
  --list              the ids of all rows; those that begin with published are methods without what our recipes add, those with ablation leave parts of a recipe out; both are measured where --only names them
`

/** The protocol of the figures that rows are compared with. */
const protocol = { window: 512, windows: 16, protocol: 'all' } as const

type Options = ReturnType<typeof parse>
type Texts = Readonly<Record<'calibration' | 'evaluation', readonly number[]>>

/**
 * Measures row by row and writes the report after each, so that a run that ends goes on where it was. Returns the exit
 * code: 2 on wrong usage.
 */
export async function main(args: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = parse(args)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    return 2
  }
  if (options.help) process.stdout.write(usage)
  else if (options.list)
    process.stdout.write(
      everyRow()
        .map(({ id }) => `${id}\n`)
        .join(''),
    )
  else await measure(options)
  return 0
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      calibrate: { type: 'string' },
      evaluate: { type: 'string' },
      model: { type: 'string' },
      only: { type: 'string' },
      again: { type: 'boolean' },
      receipts: { type: 'string' },
      out: { type: 'string' },
      work: { type: 'string' },
      threads: { type: 'string', default: '2' },
      window: { type: 'string', default: '512' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const only = values.only?.split(',').filter((id) => id !== '')
  const unknown = only?.find((id) => !everyRow().some((row) => row.id === id))
  if (unknown !== undefined) throw new Error(`there is no row ${unknown}; --list names them`)
  const { calibrate = '', evaluate = '', help, list } = values
  if (!(help || list) && (calibrate === '' || evaluate === '')) throw new Error('--calibrate and --evaluate are needed')
  const threads = Number(values.threads)
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`--threads must be a positive whole number, not ${values.threads}`)
  const window = Number(values.window)
  if (!Number.isInteger(window) || window < 2)
    throw new Error(`--window must be a whole number of at least 2, not ${values.window}`)
  return { ...values, only, calibrate, evaluate, threads, window }
}

async function measure(options: Options): Promise<void> {
  const { threads, receipts } = options
  const cut = { ...protocol, window: options.window }
  const model =
    options.model ??
    join(process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models'), 'SmolLM2-135M-Instruct.Q4_1.gguf')
  const folder = options.out ?? fileURLToPath(new URL('../results', import.meta.url))
  const work = options.work ?? join(tmpdir(), 'tessera-compression')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'compression.json')
  const source = await fileSource(model)
  const device = await createWasmDevice({
    kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm],
    threads,
  })
  const solver = await createSolver({ threads })
  try {
    const checkpoint = await readGguf(source)
    const sha256 = hash(readFileSync(model))
    const tokenizer = createTokenizerFromGguf(checkpoint.metadata)
    const encode = (text: string): readonly number[] =>
      tokenizer.encode(readFileSync(text, 'utf8'), { addSpecial: false })
    const texts: Texts = { calibration: encode(options.calibrate), evaluation: encode(options.evaluate) }
    const original = await originalOf(device, checkpoint, {
      folder: join(work, 'logits'),
      identity: sha256,
      vocabSize: tokenizer.vocabSize,
      windows: cutWindows(texts.evaluation, cut),
    })
    const before = readReport(path)
    let report: CompressionReport =
      before?.model.sha256 === sha256
        ? before
        : {
            schema: 1,
            date: new Date().toISOString(),
            machine: describeMachine(),
            threads,
            model: {
              name: basename(model),
              sha256,
              perplexity: (await measurePerplexity(original, texts.evaluation, cut)).perplexity,
            },
            protocol: {
              calibration: basename(options.calibrate),
              evaluation: basename(options.evaluate),
              window: cut.window,
              windows: cut.windows,
            },
            rows: [],
          }
    const add = (rows: readonly MeasuredRow[]): void => {
      report = { ...report, rows: merged([...report.rows, ...rows]) }
      writeWhole(path, `${JSON.stringify(report, null, 2)}\n`)
      if (report.rows.length > 0) writeCompression(report, folder)
    }
    add(
      receipts === undefined
        ? []
        : rowsOfReceipts(
            receipts,
            subjectOf(checkpoint, { families: defaultFamilies }),
            sha256,
            cut.window,
            cut.windows,
          ),
    )
    const identity = hash(JSON.stringify([sha256, texts.calibration]))
    const statistics = (): Promise<Calibration> =>
      gatheredOnce(join(work, `statistics-${identity.slice(0, 16)}.safetensors`), async (sink) => {
        process.stderr.write('gathering activations of the original\n')
        await calibrate(subjectOf(checkpoint, { families: defaultFamilies }), { ids: texts.calibration }, sink, {
          device,
          windows: 32,
          window: cut.window,
        })
      })
    for (const row of wantedRows(options, report))
      add([
        await measureRow(row, {
          device,
          solver,
          checkpoint,
          identity,
          work,
          ...texts,
          ...cut,
          original,
          statistics,
          onProgress: sayProgress(row.id),
        }),
      ])
  } finally {
    await source.close()
    await solver.dispose()
    await device.dispose()
  }
}

/** The original by its logits, which are computed once. */
async function originalOf(
  device: Device,
  checkpoint: GgufCheckpoint,
  kept: Parameters<typeof keptSession>[0],
): Promise<ReturnType<typeof keptSession>> {
  let close: (() => Promise<void>) | undefined
  try {
    await keepLogits(kept, async () => {
      process.stderr.write('computing the logits of the original\n')
      const model = await loadCheckpoint(checkpoint, { device })
      const session = createSession(model.language, {
        activations: 'f32',
        contextLength: (kept.windows[0]?.length ?? 2) - 1,
      })
      close = async () => {
        session.dispose()
        await model.dispose()
      }
      return session
    })
  } finally {
    await close?.()
  }
  return keptSession(kept)
}

function wantedRows({ only, again }: Options, { rows }: CompressionReport): readonly CompressionRow[] {
  const isThere = ({ id, recipe }: CompressionRow): boolean =>
    rows.some((row) => row.id === id && JSON.stringify(row.budget?.recipe ?? row.recipe) === JSON.stringify(recipe))
  return (only ? everyRow().filter(({ id }) => only.includes(id)) : compressionRows()).filter(
    (row) => again || !isThere(row),
  )
}

/** The last row of each id, in the order of the list; rows that are not in it come last. */
function merged(rows: readonly MeasuredRow[]): readonly MeasuredRow[] {
  const order = everyRow().map(({ id }) => id)
  const place = ({ id }: MeasuredRow): number => (order.includes(id) ? order.indexOf(id) : order.length)
  return [...new Map(rows.map((row) => [row.id, row])).values()].sort((a, b) => place(a) - place(b))
}

function sayProgress(id: string): (what: string, done: number, total: number) => void {
  let told = 0
  return (what, done, total) => {
    if (Date.now() - told < 10_000) return
    told = Date.now()
    process.stderr.write(`${id}: ${what} ${((100 * done) / total).toFixed(0)} %\n`)
  }
}

function readReport(path: string): CompressionReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as CompressionReport
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function writeWhole(path: string, content: string): void {
  writeFileSync(`${path}.part`, content)
  renameSync(`${path}.part`, path)
}

function hash(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
