import { Worker } from 'node:worker_threads'
import { type Arithmetic, arithmeticModule, chainsOf, operationsPerStep, readModule } from './assemble.ts'
import type { WorkerInput } from './worker.ts'

/** Figures of one thread: billions of bytes or operations per second. */
export type Roof = Readonly<Record<'read' | Arithmetic, number>>

/** Several times larger than any last-level cache; each sample reads the next window of it. */
const bufferBytes = 512 * 2 ** 20
const windowBytes = 16 * 2 ** 20
const turnsPerSample = 300_000

/**
 * Combined rate of `threads` threads: the sum of each one's best short sample (about a millisecond), since a roof is an
 * upper bound, not an average. `script` is a file that calls `answerAsWorker` off the main thread.
 */
export async function measureRoof(threads: number, script: URL, durationMs = 250): Promise<Roof> {
  const kinds = ['fmaF32', 'mulAddF32', 'dotI16', 'dotI8', 'dotAdd'] as const
  const modules = [
    { kind: 'read' as const, bytes: readModule() },
    ...kinds.map((kind) => ({ kind, bytes: arithmeticModule(kind) })),
  ]
  const input: WorkerInput = {
    modules,
    flags: new Int32Array(new SharedArrayBuffer(4 * modules.length)),
    threads,
    bytes: bufferBytes,
    window: windowBytes,
    turns: turnsPerSample,
    durationMs,
  }
  const results = await Promise.all(Array.from({ length: threads }, () => runWorker(script, input)))
  const sum = (kind: 'read' | Arithmetic): number => results.reduce((total, result) => total + (result[kind] ?? 0), 0)
  // Per millisecond, to billions per second.
  const arithmetic = (kind: Arithmetic): number => (sum(kind) * chainsOf[kind] * operationsPerStep[kind]) / 1e6
  return {
    read: sum('read') / 1e6,
    fmaF32: arithmetic('fmaF32'),
    mulAddF32: arithmetic('mulAddF32'),
    dotI16: arithmetic('dotI16'),
    dotI8: arithmetic('dotI8'),
    dotAdd: arithmetic('dotAdd'),
  }
}

function runWorker(script: URL, input: WorkerInput): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: input })
    worker.once('message', (message: Record<string, number>) => resolve(message))
    worker.once('error', reject)
  })
}
