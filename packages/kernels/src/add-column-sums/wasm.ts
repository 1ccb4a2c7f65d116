import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { addColumnSumsOp } from './contract.ts'

/**
 * Four columns at a time; each column's rows are added in their order, so that all builds and any number of threads
 * give the same bits.
 */
export const addColumnSumsWasm: WasmKernel = defineWasmKernel(addColumnSumsOp, {
  name: 'columns',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { x } }) => [
    {
      entry: 'addColumnSums',
      args(write, at) {
        for (const name of ['x', 'sums', 'largest']) write.u32(at.address(name))
        write.u32(x.shape[0] ?? 0).u32(x.shape[1] ?? 0)
      },
    },
  ],
})
