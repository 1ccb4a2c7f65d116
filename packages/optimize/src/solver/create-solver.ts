import { createDeviceEncoder, createDeviceGptq, createDeviceRounder } from '@tessera-llm/quantization'
import {
  createWasmEncoder,
  createWasmMultiply,
  encodeBlocksWasm,
  roundGroupsWasm,
  sweepRowsWasm,
} from '@tessera-llm/quantization/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'
import type { Solver } from '../quantize/index.ts'

/** A solver with threads of its own, which `dispose` ends. */
export interface WasmSolver extends Solver {
  dispose(): Promise<void>
}

export interface SolverOptions {
  /** All that the machine has when left out. */
  readonly threads?: number | undefined
}

/** What methods compute with, in WebAssembly: many times as fast as the plain TypeScript that `applyRecipe` takes without a solver. */
export async function createSolver({ threads }: SolverOptions = {}): Promise<WasmSolver> {
  // Its own device, since the one that runs the model may be a GPU.
  const device = await createWasmDevice({ kernels: [encodeBlocksWasm, roundGroupsWasm, sweepRowsWasm], threads })
  try {
    return {
      multiply: await createWasmMultiply(),
      gptq: createDeviceGptq(device),
      encode: createDeviceEncoder(device),
      round: createDeviceRounder(device),
      encodeNow: await createWasmEncoder(),
      dispose: () => device.dispose(),
    }
  } catch (error) {
    await device.dispose()
    throw error
  }
}
