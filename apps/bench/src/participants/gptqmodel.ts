import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { TesseraError } from '@tessera-llm/tensor'
import { load, optimizeModel } from '@tessera-llm/tessera/node'
import { serve, UnavailableError } from '../participant/index.ts'
import type { QuantizeWorkload } from '../workload/index.ts'
import { calibrationText } from './tessera-quantize.ts'

/** Answer of peers/gptqmodel-quantize.py. */
interface Line {
  readonly version?: string
  readonly error?: string
  readonly time?: number
  readonly processor?: number
}

let child: ChildProcessByStdio<Writable, Readable, null> | undefined
let lines: AsyncIterator<string> | undefined
let workload: QuantizeWorkload | undefined
let folder = ''

/** Sends a line to Python and awaits one that is an answer. */
async function ask(request: unknown): Promise<Line> {
  child?.stdin.write(`${JSON.stringify(request)}\n`)
  for (;;) {
    const next = await lines?.next()
    if (!next || next.done === true)
      throw new UnavailableError(
        'Python with gptqmodel is not there: set TESSERA_BENCH_PYTHON to a Python that can import it',
      )
    // The library prints its own progress between the answers.
    const at = next.value.indexOf('{"answer": ')
    if (at >= 0) return (JSON.parse(next.value.slice(at)) as { readonly answer: Line }).answer
  }
}

await serve({
  async prepare(asked) {
    if (asked.kind !== 'quantize') throw new TesseraError('invalid-option', `bench: quantizing is no ${asked.kind}`)
    workload = asked
    const { model: path, threads, format, windows } = asked
    if (typeof format === 'string') throw new UnavailableError('it writes no GGUF files')
    folder = await mkdtemp(join(tmpdir(), 'tessera-gptqmodel-'))
    const input = join(folder, 'model')
    // It reads folders: the same weights in f32.
    const wide = { kind: 'quantize', method: 'rtn', format: 'f32' } as const
    await optimizeModel({ input: path, output: input, recipe: { name: 'f32', steps: [wide] }, device: 'wasm', threads })
    child = spawn(
      process.env['TESSERA_BENCH_PYTHON'] ?? 'python3',
      [fileURLToPath(new URL('../../peers/gptqmodel-quantize.py', import.meta.url))],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
        // It writes logs where it runs.
        cwd: folder,
        // With its default of one worker on two processors it does not start.
        env: { ...process.env, GPTQMODEL_CPU_WORKERS: '2' },
      },
    )
    // A missing program shows as the end of its output.
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { version, error } = await ask({
      threads,
      input,
      output: join(folder, 'out'),
      bits: format.bits,
      group: format.group,
      windows: await windowsOf(path, windows, calibrationText(asked)),
    })
    if (version === undefined) throw new UnavailableError(error ?? 'gptqmodel gave no version')
    return { version, settings: { threads, order: 'activations', activations: 'f32' } }
  },
  async measure() {
    if (!workload) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
    const { time, processor, error } = await ask('measure')
    if (time === undefined || processor === undefined)
      throw new TesseraError('invalid-value', `bench: gptqmodel failed: ${error}`)
    return { figures: { time, processor, rate: workload.megabytes / time } }
  },
  async close() {
    child?.stdin.end()
    await rm(folder, { recursive: true, force: true })
  },
})

/** The tokens that Tessera calibrates on. */
async function windowsOf(path: string, count: number, text: string): Promise<readonly (readonly number[])[]> {
  const model = await load(path, { device: 'wasm', contextLength: 1 })
  const ids = model.tokenizer.encode(text, { addSpecial: false })
  await model.dispose()
  return Array.from({ length: count }, (_, i) => ids.slice(512 * i, 512 * (i + 1)))
}
