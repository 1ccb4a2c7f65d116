import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { rmsNormOp } from './contract.ts'

export const rmsNormWasm: WasmKernel = defineWasmKernel(rmsNormOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y }, options: { eps, unitOffset = false } }) => [
    {
      entry: 'rmsNorm',
      args: (write, at) =>
        write
          .u32(at.address('x'))
          .u32(at.address('weight'))
          .u32(at.address('y'))
          .u32(rowsOf(y.shape))
          .u32(lastAxis(y.shape))
          .f32(eps)
          .f32(unitOffset ? 1 : 0)
          .u32(at.address('residual')),
    },
  ],
})
