import type { Capabilities, Kernel, Problem } from '@tessera-llm/tensor'

/**
 * A compiled kernel module in base64. Both builds import `env.memory` (shared, at most 65 536 pages), export their
 * entries, and contain no data, mutable global or allocator; a build step asserts it.
 */
export interface WasmModule {
  /** Unique among the modules of a device: `kernels/rms-norm`. */
  readonly name: string
  /** Build with relaxed SIMD (FMA, dot products of bytes). */
  readonly relaxed: string
  /** Build with plain SIMD128. */
  readonly simd: string
}

/** Writes the words of an argument block in order; every argument takes 4 bytes, little-endian. */
export interface ArgumentWriter {
  /** Byte address or count. */
  u32(value: number): this
  i32(value: number): this
  f32(value: number): this
}

/** Addresses of a launch's tensors in the arena, all multiples of 64 bytes. */
export interface Bindings {
  /** Address of an input or output by name; of a packed input's part as `weight.blocks`. 0 for an absent input. */
  address(name: string): number
  /** Address of the launch's scratch memory, shared by its threads and stages. */
  readonly scratch: number
  readonly threads: number
}

/** One parallel step; a barrier over all threads separates the stages of a launch. */
export interface WasmStage {
  /**
   * Exported function `(args: u32, thread: u32, threads: u32) => void`. Every thread calls it and takes its share of
   * the work by a rule that does not change the result (no sum across threads). `args` is the address of the argument
   * block.
   */
  readonly entry: string
  args(write: ArgumentWriter, bindings: Bindings): void
}

/** Kernel of the WebAssembly device. `stages` and `scratchBytes` are pure functions of the problem. */
export interface WasmKernel extends Kernel {
  readonly device: 'wasm'
  readonly module: WasmModule
  stages(problem: Problem, capabilities: Capabilities): readonly WasmStage[]
  /** Bytes of scratch memory that all stages share, for `threads` threads. Default: none. */
  scratchBytes?(problem: Problem, threads: number, capabilities: Capabilities): number
}
