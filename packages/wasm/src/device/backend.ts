import {
  type Backend,
  type BackendPlan,
  byteLengthOf,
  createBoundedCache,
  type Capabilities,
  formatShape,
  type Launch,
  sizeOf,
  TesseraError,
} from '@tessera-llm/tensor'
import type { WasmKernel } from '../kernel/kernel.ts'
import {
  bindingsOf,
  type CompiledLaunch,
  compileLaunch,
  storagesOf,
  type WasmStorage,
} from '../launch/compiled-launch.ts'
import { createArgumentBuffer } from '../launch/encode.ts'
import { createRecording, type Recording } from '../launch/recording.ts'
import { createArena } from '../memory/arena.ts'
import { layout } from '../memory/layout.ts'
import type { ArenaMemory } from '../memory/memory.ts'
import type { CompiledModules } from '../module/compile.ts'
import type { Pool, PoolStage } from '../pool/pool.ts'
import type { Stopwatch } from '../timing/stopwatch.ts'

export interface BackendOptions {
  readonly name: string
  readonly kernels: readonly WasmKernel[]
  readonly capabilities: Capabilities
  readonly threads: number
}

/** WebAssembly backend of a `Device`, with what `createWasmDevice` adds to it. */
export interface WasmBackend extends Backend<WasmKernel> {
  /** While set, stages run one at a time and are timed. */
  setStopwatch(stopwatch: Stopwatch | undefined): void
  readonly arenaBytes: number
}

export function createWasmBackend(
  memory: ArenaMemory,
  modules: CompiledModules,
  pool: Pool,
  { name, kernels, capabilities, threads }: BackendOptions,
): WasmBackend {
  const arena = createArena(memory)
  const compiled = createBoundedCache<CompiledLaunch>()
  const eager = createArgumentBuffer()
  let scratchAddress = 0
  let scratchSize = 0
  let recording: Recording | undefined
  let stopwatch: Stopwatch | undefined
  let disposed = false

  const compile = (launch: Launch<WasmKernel>, kernel: WasmKernel): CompiledLaunch => {
    const key = `${kernel.name}/${launch.key}`
    let known = compiled.get(key)
    if (!known) {
      known = compileLaunch(kernel, launch.problem, modules.indices, capabilities, threads)
      compiled.set(key, known)
    }
    return known
  }
  const eagerScratch = (byteLength: number): number => {
    if (byteLength > scratchSize) {
      if (scratchAddress !== 0) arena.give(scratchAddress)
      // `take` may throw: memory given back must not be used, or given back, again.
      scratchAddress = 0
      scratchSize = 0
      scratchAddress = arena.take(byteLength, 'scratch memory')
      scratchSize = byteLength
    }
    return scratchAddress
  }
  /** Runs the stages listed at `plan`, one at a time with a stopwatch. */
  const run = (plan: number, stages: readonly PoolStage[]): void => {
    if (!stopwatch) pool.run(plan, stages)
    else
      for (const [index, stage] of stages.entries())
        stopwatch.measure(stage.label, () => pool.run(plan + 8 * index, [stage]))
  }
  const runNow = (launch: Launch<WasmKernel>, { stages, scratchBytes }: CompiledLaunch): void => {
    const bindings = bindingsOf(launch, eagerScratch(scratchBytes), threads)
    eager.clear()
    const offsets = stages.map(({ stage }) => {
      const offset = eager.begin()
      stage.args(eager.writer, bindings)
      return offset
    })
    if (
      eager.byteLength > layout.eagerArgumentsEnd - layout.eagerArguments ||
      stages.length * 8 > layout.eagerPlanEnd - layout.eagerPlan
    ) {
      throw new TesseraError(
        'invalid-kernel',
        `wasm: ${launch.op.id} has ${stages.length} stages with ${eager.byteLength} bytes of arguments, more than a launch may have`,
      )
    }
    const words = memory.words()
    words.set(eager.words(), layout.eagerArguments / 4)
    for (const [position, { index }] of stages.entries()) {
      words[layout.eagerPlan / 4 + 2 * position] = index
      words[layout.eagerPlan / 4 + 2 * position + 1] = layout.eagerArguments + (offsets[position] as number)
    }
    run(layout.eagerPlan, stages)
  }
  const record = (into: Recording, launch: Launch<WasmKernel>, { stages, scratchBytes }: CompiledLaunch): void => {
    into.pin(storagesOf(launch))
    const bindings = bindingsOf(launch, scratchBytes > 0 ? into.scratch(scratchBytes) : 0, threads)
    for (const { index, stage, label } of stages) {
      const offset = into.args.begin()
      stage.args(into.args.writer, bindings)
      into.stages.push({ index, offset, label })
    }
    into.ends.push(into.stages.length)
  }
  const release = (storage: WasmStorage): void => {
    storage.freed = true
    if (storage.pins === 0) arena.give(storage.address)
  }

  const discard = (recorded: Recording): void => {
    for (const storage of recorded.dispose()) arena.give(storage.address)
  }
  const finishPlan = (recorded: Recording): BackendPlan => {
    const { stages, ends, args } = recorded
    let block: number
    try {
      block = arena.take(args.byteLength + 8 * stages.length, 'a plan')
    } catch (error) {
      discard(recorded)
      throw error
    }
    const plan = block + args.byteLength
    const words = memory.words()
    words.set(args.words(), block / 4)
    for (const [position, { index, offset }] of stages.entries()) {
      words[plan / 4 + 2 * position] = index
      words[plan / 4 + 2 * position + 1] = block + offset
    }
    args.clear()
    let live = true
    const check = (): void => {
      if (!live) throw new TesseraError('disposed', `${name}: a plan was replayed after it was disposed; capture again`)
      pool.check()
    }
    return {
      launches: ends.length,
      replay() {
        check()
        run(plan, stages)
      },
      replayRange(begin, end) {
        check()
        const first = ends[begin - 1] ?? 0
        run(plan + 8 * first, stages.slice(first, ends[end - 1]))
      },
      dispose() {
        if (!live) return
        live = false
        if (disposed) return
        arena.give(block)
        discard(recorded)
      },
    }
  }

  return {
    kind: 'wasm',
    name,
    capabilities,
    kernels,
    get arenaBytes() {
      return arena.extent
    },
    setStopwatch(watch) {
      stopwatch = watch
    },

    allocate(dtype, shape): WasmStorage {
      pool.check()
      const byteLength = byteLengthOf(dtype, sizeOf(shape))
      const why = `a tensor of ${formatShape(shape)} ${dtype}`
      if (recording) return recording.take(byteLength, why)
      return { byteLength, address: arena.take(byteLength, why), isPlanned: false, pins: 0, freed: false }
    },
    free(storage) {
      const place = storage as WasmStorage
      // Memory of a plan is freed with the plan.
      if (place.isPlanned) recording?.takeBack(place)
      else release(place)
    },
    write(storage, bytes, offsetBytes) {
      pool.check()
      const place = storage as WasmStorage
      recording?.keepWritten(place)
      memory.bytes().set(bytes, place.address + offsetBytes)
    },
    hostView(storage) {
      pool.check()
      const place = storage as WasmStorage
      // Unshared memory is detached when it grows, and memory of a plan under recording may move.
      if (!memory.isShared || recording) return undefined
      return memory.bytes().subarray(place.address, place.address + place.byteLength)
    },
    async read(storage, offsetBytes, byteLength) {
      pool.check()
      const start = (storage as WasmStorage).address + offsetBytes
      return memory.bytes().slice(start, start + byteLength)
    },
    launch(launch) {
      pool.check()
      if (!launch.kernel) throw new TesseraError('missing-kernel', `${launch.op.id}: no kernel on ${name}`)
      const ready = compile(launch, launch.kernel)
      if (recording) record(recording, launch, ready)
      else runNow(launch, ready)
    },

    beginCapture() {
      recording = createRecording(arena)
    },
    endCapture(): BackendPlan {
      const recorded = recording ?? createRecording(arena)
      recording = undefined
      return finishPlan(recorded)
    },
    async synchronize() {
      // Launches are synchronous, so they are done.
      pool.check()
    },
    async dispose() {
      if (disposed) return
      disposed = true
      compiled.clear()
      await pool.dispose()
    },
  }
}
