import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { hadamardOp } from './contract.ts'

export const hadamardWasm: WasmKernel = defineWasmKernel(hadamardOp, {
  name: 'butterflies',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y }, options: { block } }) => [
    {
      entry: 'hadamard',
      args: (write, at) =>
        write
          .u32(at.address('x'))
          .u32(at.address('y'))
          .u32(sizeOf(y.shape) / block)
          .u32(block)
          .f32(1 / Math.sqrt(block)),
    },
  ],
})
