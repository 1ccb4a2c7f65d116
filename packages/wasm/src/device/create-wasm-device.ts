import { checkKernels, createDevice, type Device, TesseraError } from '@tessera-llm/tensor'
import type { WasmKernel } from '../kernel/kernel.ts'
import { writeConstants } from '../memory/constants.ts'
import { createMemory, minimumBytes } from '../memory/memory.ts'
import { compileModules } from '../module/compile.ts'
import { type DotAdd, dotAddOf, hasRelaxedSimd } from '../module/probe.ts'
import { createPool } from '../pool/pool.ts'
import { availableCores } from '../pool/spawn.ts'
import { createStopwatch, type StageTime } from '../timing/stopwatch.ts'
import { createWasmBackend } from './backend.ts'

/** Options of `createWasmDevice`. */
export interface WasmDeviceOptions {
  /** Kernels that the device chooses from: `[...kernelsWasm, ...attentionWasm, ...quantizationWasm]`. */
  readonly kernels: readonly WasmKernel[]
  /**
   * Number of threads, the calling one included. Default: all cores, at most 16; 1 where memory cannot be shared. Does
   * not affect results.
   */
  readonly threads?: number | undefined
  /** Largest memory in bytes, at least 4 MiB. Default: 4 GiB, or as much as the platform reserves. */
  readonly maximumBytes?: number | undefined
  /** `false` uses the plain SIMD kernels even if relaxed SIMD is available. Default true. */
  readonly relaxedSimd?: boolean | undefined
  /**
   * `false` uses the kernels that do not need a dot product of bytes that adds to 32 bits, even where the processor has
   * one. Default true.
   */
  readonly dotAdd?: boolean | undefined
  /** URL of a file that holds `workerScript`, for pages whose content security policy forbids blob workers. */
  readonly workerUrl?: string | undefined
  /** Longest wait for another thread before the device counts as broken, 1 ms to a day, in ms. Default 30 000. */
  readonly joinTimeoutMs?: number | undefined
  /**
   * `false` returns the device before its workers run; until then the calling thread computes alone.
   * `device.wasm.started` resolves when they do; without awaiting it, a worker that could not start shows as
   * `worker-lost` in a later call. Default true.
   */
  readonly waitForWorkers?: boolean | undefined
}

/** A `Device` with WebAssembly controls. */
export interface WasmDevice extends Device {
  readonly kind: 'wasm'
  readonly wasm: WasmControls
}

/** WebAssembly-specific functions of a device, as `device.wasm`. */
export interface WasmControls {
  readonly threads: number
  readonly relaxedSimd: boolean
  /**
   * How the processor's dot product of bytes, which adds to 32 bits, takes those of its second operand; undefined where
   * there is none, or kernels do without.
   */
  readonly dotAdd: DotAdd | undefined
  readonly sharedMemory: boolean
  /** Resolves when all workers run; rejects with `worker-lost` if one cannot. */
  readonly started: Promise<void>
  /** Bytes of the arena between its first and its last block in use. */
  arenaBytes(): number
  /** Runs `fn` (synchronous: ops, or a plan's replay) stage by stage and returns the time of each. */
  time(fn: () => unknown): readonly StageTime[]
}

/** Default limit of the number of threads. */
const maximumDefaultThreads = 16

/**
 * Creates a device that computes with WebAssembly on the calling thread and `threads − 1` workers. Calls block until
 * they are done: in a page, create the device in a worker.
 *
 * @throws TesseraError `unsupported` (no SIMD, or threads without shared memory), `out-of-memory`, `worker-lost`
 * (workers that cannot start), `kernel-abi`, `invalid-option`
 */
export async function createWasmDevice(options: WasmDeviceOptions): Promise<WasmDevice> {
  const { kernels, joinTimeoutMs = 30_000, workerUrl, waitForWorkers = true } = options
  checkKernels(kernels, 'wasm')
  checkRange('maximumBytes', options.maximumBytes, minimumBytes, Number.POSITIVE_INFINITY)
  checkRange('joinTimeoutMs', joinTimeoutMs, 1, 86_400_000)
  const sharedMemory = typeof SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false
  const threads = threadCount(options.threads, sharedMemory)
  const relaxedSimd = options.relaxedSimd !== false && hasRelaxedSimd()
  const dotAdd = relaxedSimd && options.dotAdd !== false ? dotAddOf() : undefined
  const memory = createMemory(sharedMemory, options.maximumBytes)
  writeConstants(memory)
  const compiling = compileModules(kernels, { relaxedSimd, sharedMemory })
  const pool = await createPool(compiling, memory, { threads, workerUrl, joinTimeoutMs, waitForWorkers })
  const modules = await compiling
  const backend = createWasmBackend(memory, modules, pool, {
    name: `wasm (${threads} ${threads === 1 ? 'thread' : 'threads'}, ${relaxedSimd ? 'relaxed SIMD' : 'plain SIMD'}${dotAdd ? ', byte dot products' : ''}${sharedMemory ? '' : ', unshared'})`,
    kernels,
    capabilities: { relaxedSimd, ...(dotAdd && { dotAdd }), threads, sharedMemory },
    threads,
  })
  const base = createDevice(backend)
  const controls: WasmControls = {
    threads,
    relaxedSimd,
    dotAdd,
    sharedMemory,
    started: pool.started,
    arenaBytes: () => backend.arenaBytes,
    time(fn) {
      const stopwatch = createStopwatch()
      backend.setStopwatch(stopwatch)
      try {
        fn()
      } finally {
        backend.setStopwatch(undefined)
      }
      return stopwatch.times
    },
  }
  // Tensors refer to this object, so it is extended, not copied.
  return Object.assign(base, { wasm: controls }) as WasmDevice
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  // The comparison is false for NaN.
  if (value !== undefined && !(value >= least && value <= most))
    throw new TesseraError(
      'invalid-option',
      `wasm: ${name} must be a number ${most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`}, not ${value}`,
    )
}

function threadCount(asked: number | undefined, sharedMemory: boolean): number {
  if (asked === undefined) return sharedMemory ? Math.min(availableCores(), maximumDefaultThreads) : 1
  if (!Number.isInteger(asked) || asked < 1 || asked > 256)
    throw new TesseraError('invalid-option', `wasm: threads must be an integer from 1 to 256, not ${asked}`)
  if (asked > 1 && !sharedMemory) {
    throw new TesseraError(
      'unsupported',
      `wasm: ${asked} threads need shared memory, which this page does not have; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or use threads: 1`,
    )
  }
  return asked
}
