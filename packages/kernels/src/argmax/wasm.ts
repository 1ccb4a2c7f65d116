import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { argmaxOp } from './contract.ts'

export const argmaxWasm: WasmKernel = defineWasmKernel(argmaxOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { x } }) => [
    {
      entry: 'argmax',
      args: (write, at) =>
        write.u32(at.address('x')).u32(at.address('index')).u32(rowsOf(x.shape)).u32(lastAxis(x.shape)),
    },
  ],
})
