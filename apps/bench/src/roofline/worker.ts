import { parentPort, workerData } from 'node:worker_threads'
import type { Arithmetic } from './assemble.ts'

export interface WorkerInput {
  readonly modules: readonly { readonly kind: 'read' | Arithmetic; readonly bytes: Uint8Array<ArrayBuffer> }[]
  /** One counter per module, on shared memory: workers start each module together. */
  readonly flags: Int32Array
  readonly threads: number
  readonly bytes: number
  readonly window: number
  readonly turns: number
  readonly durationMs: number
}

/** Worker side: the best rate of a sample for each module, in bytes or iterations per millisecond. */
export function answerAsWorker(): void {
  const { modules, flags, threads, bytes, window, turns, durationMs } = workerData as WorkerInput
  const memory = new WebAssembly.Memory({ initial: bytes / 65536 })
  // Unwritten pages all map to one page of zeros, which stays in cache.
  new Uint8Array(memory.buffer).fill(1)
  const best: Record<string, number> = {}
  for (const [step, { kind, bytes: code }] of modules.entries()) {
    const run = new WebAssembly.Instance(new WebAssembly.Module(code), { m: { memory } }).exports['run'] as (
      first: number,
      second: number,
    ) => number
    let at = 0
    const sample = (): number => {
      if (kind !== 'read') run(turns, 1)
      else run(at, at + window)
      at = (at + window) % bytes
      return kind === 'read' ? window : turns
    }
    // Lets V8 replace its first, simple code.
    for (let warm = 0; warm < 5; warm++) sample()
    Atomics.add(flags, step, 1)
    while (Atomics.load(flags, step) < threads);
    let fastest = 0
    for (const end = performance.now() + durationMs; performance.now() < end; ) {
      const begin = performance.now()
      const amount = sample()
      fastest = Math.max(fastest, amount / (performance.now() - begin))
    }
    best[kind] = fastest
  }
  parentPort?.postMessage(best)
}
