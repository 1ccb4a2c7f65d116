import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { topKOp } from './contract.ts'

export const topKWasm: WasmKernel = defineWasmKernel(topKOp, {
  name: 'heap',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { x }, options: { k } }) => [
    {
      entry: 'topK',
      args: (write, at) =>
        write
          .u32(at.address('x'))
          .u32(at.address('values'))
          .u32(at.address('indices'))
          .u32(rowsOf(x.shape))
          .u32(lastAxis(x.shape))
          .u32(k),
    },
  ],
})
