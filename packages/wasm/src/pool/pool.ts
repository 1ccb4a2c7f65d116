import { TesseraError } from '@tessera-llm/tensor'
import { layout } from '../memory/layout.ts'
import type { ArenaMemory } from '../memory/memory.ts'
import { type CompiledModules, type Dispatcher, instantiate } from '../module/compile.ts'
import { maySleep, spawnWorker, type WorkerHandle } from './spawn.ts'
import { workerScript } from './worker-script.ts'

export interface PoolOptions {
  readonly threads: number
  readonly workerUrl: string | undefined
  /** Longest wait for another thread to finish its share, in ms. */
  readonly joinTimeoutMs: number
  /** Whether `createPool` waits until all workers run. */
  readonly waitForWorkers: boolean
}

export interface PoolStage {
  /** `op/kernel/entry`, for messages. */
  readonly label: string
}

/** The calling thread and its workers. */
export interface Pool {
  /**
   * Runs the stages listed at `plan` on all threads and returns when all are done. Throws `worker-lost` and
   * `invalid-kernel`.
   */
  run(plan: number, stages: readonly PoolStage[]): void
  /**
   * Resolves when all workers run; rejects with the reason if one cannot. Launches need not wait: an absent worker
   * draws no share.
   */
  readonly started: Promise<void>
  /** Throws the error that broke the pool, if any. */
  check(): void
  dispose(): Promise<void>
}

/**
 * Polls before a thread sleeps: about `spinMs`, longer than a program takes between launches. Waking a thread can take
 * as long.
 */
const spins = 500_000
const spinMs = 0.25

/**
 * Sleeps that a wait consists of. The system counts the time for which it stops a process (SIGSTOP): such a process
 * finds one sleep over when it goes on, and not its whole wait. So does a thread that has computed for longer than that.
 */
const sleeps = 16
/** Longest start of a worker. */
const startTimeoutMs = 20_000

/** Calls `then` when `sleeps` timers, which last `ms` together, are over; returns a function that prevents it. */
function afterSleeps(ms: number, then: () => void): () => void {
  let left = sleeps
  const next = (): ReturnType<typeof setTimeout> =>
    setTimeout(() => {
      left -= 1
      if (left === 0) then()
      else timer = next()
    }, ms / sleeps)
  let timer = next()
  return () => clearTimeout(timer)
}

export async function createPool(
  compiling: Promise<CompiledModules>,
  memory: ArenaMemory,
  { threads, workerUrl, joinTimeoutMs, waitForWorkers }: PoolOptions,
): Promise<Pool> {
  const state = (): Int32Array => new Int32Array(memory.memory.buffer)
  const workers: WorkerHandle[] = []
  let failure: TesseraError | undefined
  let disposed = false

  const lose = (reason: string): TesseraError => {
    failure ??= new TesseraError(
      'worker-lost',
      `wasm: a worker was lost (${reason}); results are incomplete: dispose the device and create a new one`,
      { details: { reason } },
    )
    return failure
  }
  const start = (thread: number, ready: Promise<CompiledModules>): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = spawnWorker(workerScript, workerUrl)
      workers.push(worker)
      const cancel = afterSleeps(startTimeoutMs, () => reject(lose(`it did not start within ${startTimeoutMs} ms`)))
      worker.listen(
        (message) => {
          cancel()
          const { failed } = message as { readonly failed?: string }
          if (failed === undefined) resolve()
          else reject(lose(failed))
        },
        (reason) => {
          cancel()
          if (disposed) return
          // No thread may wait for one that is gone.
          Atomics.store(state(), layout.failed / 4, 1)
          reject(lose(reason))
        },
      )
      ready.then(
        ({ dispatcher, modules, tableSize }) =>
          worker.post({
            memory: memory.memory,
            dispatcher,
            modules,
            tableSize,
            thread,
            count: threads,
            failed: layout.failed,
            generation: layout.generation,
          }),
        (error: unknown) => {
          cancel()
          reject(error)
        },
      )
    })

  const stop = async (): Promise<void> => {
    disposed = true
    if (threads > 1) {
      Atomics.store(state(), layout.quit / 4, 1)
      Atomics.add(state(), layout.epoch / 4, 1)
      Atomics.notify(state(), layout.epoch / 4)
    }
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  const ready = compiling.then((modules) => {
    const view = new DataView(memory.memory.buffer)
    view.setInt32(layout.spins, spins, true)
    // A timeout of 0 means that this thread must not sleep: it is the main thread of a page. Rounds then bound its
    // wait, if inexactly.
    const isSleeper = maySleep()
    const rounds = isSleeper ? sleeps : Math.min(0xffff_ffff, Math.ceil(joinTimeoutMs / spinMs))
    view.setUint32(layout.rounds, rounds, true)
    view.setBigInt64(layout.deadline, isSleeper ? BigInt(Math.ceil((joinTimeoutMs * 1e6) / sleeps)) : 0n, true)
    view.setBigInt64(layout.forever, -1n, true)
    view.setInt32(layout.pause, modules.tableSize - 2, true)
    view.setInt32(layout.wake, modules.tableSize - 1, true)
    return modules
  })
  let dispatcher: Dispatcher
  // Workers start while kernels compile.
  const started = Promise.all(Array.from({ length: threads - 1 }, (_, index) => start(index + 1, ready))).then(
    () => undefined,
  )
  // Callers that do not await it get the failure from the next launch.
  started.catch(() => {})
  try {
    if (waitForWorkers) await started
    dispatcher = instantiate(await ready, memory.memory)
  } catch (error) {
    await stop()
    throw error
  }

  return {
    started,
    run(plan, stages) {
      if (failure) throw failure
      if (stages.length === 0) return
      let code: number
      try {
        code = dispatcher.run(plan, stages.length, threads)
      } catch (cause) {
        // This thread left its share unfinished, so the others may wait for it.
        failure = new TesseraError(
          'invalid-kernel',
          `wasm: a kernel trapped (${cause instanceof Error ? cause.message : String(cause)}) in ${placeOf(stages)}; dispose the device and create a new one`,
          { cause },
        )
        throw failure
      }
      if (code === 1) throw lose(`it did not finish within ${joinTimeoutMs} ms in ${placeOf(stages)}`)
      if (code === 2) throw lose(`it stopped inside a kernel, in ${placeOf(stages)}`)
    },
    check() {
      if (failure) throw failure
    },
    dispose: stop,
  }
}

/** Names the stages that ran; of a long plan, its ends. */
function placeOf(stages: readonly PoolStage[]): string {
  const labels = stages.map(({ label }) => label)
  return labels.length <= 3
    ? labels.join(', ')
    : `a plan of ${labels.length} stages from ${labels[0]} to ${labels.at(-1)}`
}
