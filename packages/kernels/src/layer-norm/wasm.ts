import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { layerNormOp } from './contract.ts'

export const layerNormWasm: WasmKernel = defineWasmKernel(layerNormOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { weight, bias }, outputs: { y }, options: { eps } }) => [
    {
      entry: 'layerNorm',
      args: (write, at) =>
        write
          .u32(at.address('x'))
          .u32(weight ? at.address('weight') : 0)
          .u32(bias ? at.address('bias') : 0)
          .u32(at.address('y'))
          .u32(rowsOf(y.shape))
          .u32(lastAxis(y.shape))
          .f32(eps),
    },
  ],
})
