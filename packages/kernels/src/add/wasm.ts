import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { addOp } from './contract.ts'

export const addWasm: WasmKernel = defineWasmKernel(addOp, {
  name: 'elementwise',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { a, b } }) => [
    {
      entry: 'add',
      args: (write, at) =>
        write.u32(at.address('a')).u32(at.address('b')).u32(at.address('y')).u32(sizeOf(a.shape)).u32(sizeOf(b.shape)),
    },
  ],
})
