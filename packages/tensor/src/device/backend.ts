import type { DType } from '../dtype/index.ts'
import type { Capabilities, Kernel } from '../kernel/index.ts'
import type { Op, Problem } from '../op/index.ts'
import type { Shape } from '../shape/index.ts'
import type { Storage, Tensor, Weight } from '../tensor/index.ts'

/** One op call, checked and resolved: what a backend executes or records. Work happens in the order of the calls. */
export interface Launch<K extends Kernel> {
  readonly op: Op
  readonly problem: Problem
  /** `problemKey(problem)`: backends cache what they derive from the problem under it. */
  readonly key: string
  /** Undefined only on the reference backend, which runs `op.reference`. */
  readonly kernel: K | undefined
  readonly inputs: Readonly<Record<string, Weight | undefined>>
  readonly outputs: Readonly<Record<string, Tensor>>
}

/** A recorded sequence of launches. */
export interface BackendPlan {
  /** Number of kernel launches that one replay makes. */
  readonly launches: number
  replay(): void
  /** Runs the launches from `begin` to before `end`. Absent where launches do not block the caller: then slices save nothing. */
  replayRange?(begin: number, end: number): void
  dispose(): void
}

/** The mechanism under a `Device`. Knows no op. */
export interface Backend<K extends Kernel = Kernel> {
  readonly kind: 'reference' | 'wasm' | 'webgpu'
  /** For messages: `wasm (2 threads, relaxed SIMD)`. */
  readonly name: string
  readonly capabilities: Capabilities
  readonly kernels: readonly K[]
  /** Memory for `shape` elements of `dtype`; contents undefined. Throws `out-of-memory` with sizes and remedy. */
  allocate(dtype: DType, shape: Shape): Storage
  free(storage: Storage): void
  /** Copies raw bytes in, ordered after all launches made so far. */
  write(storage: Storage, bytes: Uint8Array, offsetBytes: number): void
  /** The storage's memory itself, where the host can write it and it stays where it is; absent on devices where it cannot. */
  hostView?(storage: Storage): Uint8Array | undefined
  /** Raw bytes, after all launches made so far. */
  read(storage: Storage, offsetBytes: number, byteLength: number): Promise<Uint8Array>
  launch(launch: Launch<K>): void
  /** Between the two, launches are recorded instead of executed, and memory freed is reused only within the plan. */
  beginCapture(): void
  endCapture(): BackendPlan
  /** Resolves when all launches made so far are done; rejects with what went wrong on the device. */
  synchronize(): Promise<void>
  dispose(): Promise<void>
}
