import type { DType } from '../dtype/index.ts'
import type { Capabilities, Kernel } from '../kernel/index.ts'
import type { Op, Problem } from '../op/index.ts'
import type { Shape } from '../shape/index.ts'
import type { Storage, Tensor, Weight } from '../tensor/index.ts'

/** One validated op call with its kernel, which a backend executes or records. Calls take effect in order. */
export interface Launch<K extends Kernel> {
  readonly op: Op
  readonly problem: Problem
  /** `problemKey(problem)`: the key under which backends cache what they derive from the problem. */
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
  /**
   * Runs launches `begin` … `end` − 1. Absent on backends whose launches do not block the caller: slices gain nothing
   * there.
   */
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
  /** Allocates `shape` elements of `dtype`; contents undefined. Throws `out-of-memory` with sizes and remedy. */
  allocate(dtype: DType, shape: Shape): Storage
  free(storage: Storage): void
  /** Copies raw bytes in, ordered after all launches made so far. */
  write(storage: Storage, bytes: Uint8Array, offsetBytes: number): void
  /** Memory of the storage, if the host can write it and it never moves; otherwise undefined. */
  hostView?(storage: Storage): Uint8Array | undefined
  /** Raw bytes, after all launches made so far. */
  read(storage: Storage, offsetBytes: number, byteLength: number): Promise<Uint8Array>
  launch(launch: Launch<K>): void
  /** Until `endCapture`, launches are recorded instead of executed, and freed memory is reused only within the plan. */
  beginCapture(): void
  endCapture(): BackendPlan
  /** Resolves when all launches made so far are done; rejects with the device's error. */
  synchronize(): Promise<void>
  dispose(): Promise<void>
}
