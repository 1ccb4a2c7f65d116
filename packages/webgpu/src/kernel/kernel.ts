import type { Capabilities, Kernel, Problem } from '@tessera-llm/tensor'

/** One storage binding; its index is its position in the list. */
export interface Binding {
  /** Name of the WGSL variable. */
  readonly name: string
  /** Input or output of the op by name, part of a packed input as `weight.blocks`, or a temporary of the kernel. */
  readonly tensor: string
  readonly access: 'read' | 'read_write'
  /** WGSL type of the variable: `array<f32>`, `array<vec4<f32>>`, `array<u32>`. */
  readonly type: string
}

/** One dispatch. Plain data, derived only from the problem and the capabilities. */
export interface WebGpuPass {
  /** Names the algorithm in labels and timings: `flash/prefill`. */
  readonly name: string
  /**
   * Body: a `.wgsl` file without declarations of bindings, parameters or specialization constants; the prelude declares
   * them.
   */
  readonly source: string
  readonly bindings: readonly Binding[]
  /** Module constants that size private arrays or select type widths: `const HEAD_DIM = 64u;`. Integers become u32. */
  readonly constants?: Readonly<Record<string, number>>
  /** Type aliases and `enable`d features: `{ elem: 'f16' }`, `['f16', 'subgroups']`. */
  readonly aliases?: Readonly<Record<string, string>>
  readonly enables?: readonly string[]
  /** Further WGSL before the body: shared functions, format load fragments. */
  readonly fragments?: readonly string[]
  /** Pipeline-overridable constants: workgroup sizes, scalar switches. */
  readonly overrides?: Readonly<Record<string, number>>
  /** Uniforms of the struct `Params` (variable `params`), in order. */
  readonly params?: Readonly<Record<string, { readonly type: 'u32' | 'i32' | 'f32'; readonly value: number }>>
  /** Workgroup counts. The kernel must split a count above 65 535 on x (linear index from x and y). */
  readonly workgroups: readonly [number, number, number]
}

/** A kernel of the WebGPU device. */
export interface WebGpuKernel extends Kernel {
  readonly device: 'webgpu'
  /** Dispatches in order; each sees the writes of the ones before. */
  passes(problem: Problem, capabilities: Capabilities): readonly WebGpuPass[]
  /** Byte sizes of temporaries shared by the passes of one launch. */
  temporaries?(problem: Problem, capabilities: Capabilities): Readonly<Record<string, number>>
}
