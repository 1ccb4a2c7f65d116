import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { activationCodes } from '../activation/codes.ts'
import { kernelsModule } from '../generated/kernels.ts'
import { gatedActivationOp } from './contract.ts'

export const gatedActivationWasm: WasmKernel = defineWasmKernel(gatedActivationOp, {
  name: 'elementwise',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y }, options: { kind } }) => [
    {
      entry: 'gatedActivation',
      args: (write, at) =>
        write
          .u32(at.address('gate'))
          .u32(at.address('up'))
          .u32(at.address('y'))
          .u32(sizeOf(y.shape))
          .u32(activationCodes[kind]),
    },
  ],
})
