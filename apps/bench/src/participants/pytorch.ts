import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TesseraError } from '@tessera-llm/tensor'
import { attentionSample, isAttention } from '../participant/attention/index.ts'
import { serve, UnavailableError } from '../participant/index.ts'
import { attentionProbes, type AttentionWorkload } from '../workload/index.ts'

/** Answer of peers/pytorch-attention.py. */
interface Line {
  readonly version?: string
  readonly error?: string
  readonly callsPerMs?: number
  readonly answer?: readonly number[]
}

let child: ChildProcessWithoutNullStreams | undefined
let lines: AsyncIterator<string> | undefined
let workload: AttentionWorkload | undefined

/** Sends a line to Python and awaits one. */
async function ask(request: unknown): Promise<Line> {
  child?.stdin.write(`${JSON.stringify(request)}\n`)
  const next = await lines?.next()
  if (!next || next.done === true)
    throw new UnavailableError(
      'Python with torch is not there: set TESSERA_BENCH_PYTHON to a Python that can import it',
    )
  return JSON.parse(next.value) as Line
}

await serve({
  async prepare(asked) {
    if (!isAttention(asked)) throw new TesseraError('invalid-option', `bench: attention is no ${asked.kind}`)
    workload = asked
    child = spawn(
      process.env['TESSERA_BENCH_PYTHON'] ?? 'python3',
      [fileURLToPath(new URL('../../peers/pytorch-attention.py', import.meta.url))],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
    // A missing program shows as the end of its output.
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { version, error } = await ask({ ...asked, probes: attentionProbes(asked) })
    if (version === undefined) throw new UnavailableError(error ?? 'PyTorch gave no version')
    return { version, settings: { threads: asked.threads, kernel: 'scaled_dot_product_attention' } }
  },
  async measure() {
    if (!workload) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
    const { callsPerMs, answer = [], error } = await ask('measure')
    if (callsPerMs === undefined) throw new TesseraError('invalid-value', `bench: PyTorch failed: ${error}`)
    return attentionSample(workload, callsPerMs, answer)
  },
  async close() {
    child?.stdin.end()
  },
})
