import {
  createDeviceBlockRounder,
  createDeviceEncoder,
  createDeviceGptq,
  createDeviceRounder,
} from '@tessera-llm/quantization'
import {
  createWasmEncoder,
  createWasmMultiply,
  decodeBlocksWasm,
  encodeBlocksWasm,
  roundGroupsWasm,
  sweepRowsWasm,
} from '@tessera-llm/quantization/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'
import type { Solver } from '../quantize/index.ts'

/** A solver with its own threads, which `dispose` ends. */
export interface WasmSolver extends Solver {
  dispose(): Promise<void>
}

/** Options of `createSolver`. */
export interface SolverOptions {
  /** Number of threads. Default: as many as the machine has. */
  readonly threads?: number | undefined
}

/** Creates a solver in WebAssembly, many times as fast as the plain TypeScript that `applyRecipe` uses by default. */
export async function createSolver({ threads }: SolverOptions = {}): Promise<WasmSolver> {
  // A separate device, because the one that runs the model may be a GPU.
  const kernels = [decodeBlocksWasm, encodeBlocksWasm, roundGroupsWasm, sweepRowsWasm]
  const device = await createWasmDevice({ kernels, threads })
  try {
    return {
      multiply: await createWasmMultiply(),
      gptq: createDeviceGptq(device),
      encode: createDeviceEncoder(device),
      round: createDeviceRounder(device),
      roundBlocks: createDeviceBlockRounder(device),
      encodeNow: await createWasmEncoder(),
      dispose: () => device.dispose(),
    }
  } catch (error) {
    await device.dispose()
    throw error
  }
}
