import {
  type Capabilities,
  kernelAbi,
  type Op,
  type OpInputs,
  type OpOptions,
  type OpOutputs,
  type Problem,
} from '@tessera-llm/tensor'
import type { WasmKernel, WasmModule, WasmStage } from './kernel.ts'

/** Kernel of one op for the WebAssembly device, typed by the op's contract. */
export interface WasmKernelDefinition<I extends OpInputs, O extends OpOutputs, X extends OpOptions> {
  readonly name: string
  readonly module: WasmModule
  readonly priority?: number
  supports(problem: Problem<I, O, X>, capabilities: Capabilities): true | string
  stages(problem: Problem<I, O, X>, capabilities: Capabilities): readonly WasmStage[]
  scratchBytes?(problem: Problem<I, O, X>, threads: number): number
}

/** Binds a definition to its op. */
export function defineWasmKernel<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  op: Op<I, O, X>,
  definition: WasmKernelDefinition<I, O, X>,
): WasmKernel {
  const { name, module, priority = 0, supports, stages, scratchBytes } = definition
  // The device passes problems of this op only, so the specific type is what arrives.
  const typed = (problem: Problem): Problem<I, O, X> => problem as unknown as Problem<I, O, X>
  return {
    abi: kernelAbi,
    device: 'wasm',
    op: op.id,
    opVersion: op.version,
    name,
    module,
    priority: () => priority,
    supports: (problem, capabilities) => supports(typed(problem), capabilities),
    stages: (problem, capabilities) => stages(typed(problem), capabilities),
    ...(scratchBytes
      ? { scratchBytes: (problem: Problem, threads: number) => scratchBytes(typed(problem), threads) }
      : {}),
  }
}
