import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { multiplyOp } from './contract.ts'

export const multiplyWasm: WasmKernel = defineWasmKernel(multiplyOp, {
  name: 'elementwise',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { a, b } }) => [
    {
      entry: 'multiply',
      args: (write, at) =>
        write.u32(at.address('a')).u32(at.address('b')).u32(at.address('y')).u32(sizeOf(a.shape)).u32(sizeOf(b.shape)),
    },
  ],
})
