import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { activationCodes } from './codes.ts'
import { activationOp } from './contract.ts'

/** The kernel of `gated-activation`, called without `up`. */
export const activationWasm: WasmKernel = defineWasmKernel(activationOp, {
  name: 'elementwise',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y }, options: { kind } }) => [
    {
      entry: 'gatedActivation',
      args: (write, at) =>
        write.u32(at.address('x')).u32(0).u32(at.address('y')).u32(sizeOf(y.shape)).u32(activationCodes[kind]),
    },
  ],
})
