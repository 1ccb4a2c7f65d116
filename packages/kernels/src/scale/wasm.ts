import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { scaleOp } from './contract.ts'

export const scaleWasm: WasmKernel = defineWasmKernel(scaleOp, {
  name: 'elementwise',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y }, options: { factor } }) => [
    {
      entry: 'scale',
      args: (write, at) => write.u32(at.address('x')).u32(at.address('y')).u32(sizeOf(y.shape)).f32(factor),
    },
  ],
})
