import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { addRmsNormOp } from './contract.ts'

export const addRmsNormWasm: WasmKernel = defineWasmKernel(addRmsNormOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { weight }, outputs: { y }, options: { eps, unitOffset = false } }) => [
    {
      entry: 'addRmsNorm',
      args: (write, at) =>
        write
          .u32(at.address('x'))
          .u32(at.address('residual'))
          .u32(weight ? at.address('weight') : 0)
          .u32(at.address('h'))
          .u32(at.address('y'))
          .u32(rowsOf(y.shape))
          .u32(lastAxis(y.shape))
          .f32(eps)
          .f32(unitOffset ? 1 : 0),
    },
  ],
})
