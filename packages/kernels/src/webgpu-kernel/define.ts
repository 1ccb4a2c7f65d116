import {
  type Capabilities,
  kernelAbi,
  type Op,
  type OpInputs,
  type OpOptions,
  type OpOutputs,
  type Problem,
} from '@tessera-llm/tensor'
import type { Binding, WebGpuKernel, WebGpuPass } from '@tessera-llm/webgpu'

/** Kernel of one op for the WebGPU device, typed by the op's contract. */
export interface WebGpuKernelDefinition<I extends OpInputs, O extends OpOutputs, X extends OpOptions> {
  readonly name: string
  /** Higher wins among supported kernels. Default 0. */
  readonly priority?: number | ((capabilities: Capabilities) => number)
  /** `true`, or the reason why not. Default: every valid problem. */
  supports?(problem: Problem<I, O, X>, capabilities: Capabilities): true | string
  passes(problem: Problem<I, O, X>, capabilities: Capabilities): readonly WebGpuPass[]
  temporaries?(problem: Problem<I, O, X>, capabilities: Capabilities): Readonly<Record<string, number>>
}

/** Binds a definition to its op; other packages use it for their kernels too. */
export function defineWebGpuKernel<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  op: Op<I, O, X>,
  definition: WebGpuKernelDefinition<I, O, X>,
): WebGpuKernel {
  const { name, priority = 0, supports, passes, temporaries } = definition
  // The device passes problems of this op only, so the specific type is what arrives.
  const typed = (problem: Problem): Problem<I, O, X> => problem as unknown as Problem<I, O, X>
  return {
    abi: kernelAbi,
    device: 'webgpu',
    op: op.id,
    opVersion: op.version,
    name,
    priority: (_, capabilities) => (typeof priority === 'number' ? priority : priority(capabilities)),
    supports: (problem, capabilities) => supports?.(typed(problem), capabilities) ?? true,
    passes: (problem, capabilities) => passes(typed(problem), capabilities),
    ...(temporaries
      ? { temporaries: (problem: Problem, capabilities: Capabilities) => temporaries(typed(problem), capabilities) }
      : {}),
  }
}

/** Binding whose variable has the name of its tensor. */
export function bind(name: string, access: Binding['access'], type = 'array<f32>'): Binding {
  return { name, tensor: name, access, type }
}

/** Run-time parameter of type u32. */
export function u32(value: number): { readonly type: 'u32'; readonly value: number } {
  return { type: 'u32', value }
}

/** Run-time parameter of type f32. */
export function f32(value: number): { readonly type: 'f32'; readonly value: number } {
  return { type: 'f32', value }
}
