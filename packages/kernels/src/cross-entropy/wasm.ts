import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { crossEntropyOp } from './contract.ts'

export const crossEntropyWasm: WasmKernel = defineWasmKernel(crossEntropyOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ inputs: { logits } }) => [
    {
      entry: 'crossEntropy',
      args: (write, at) =>
        write
          .u32(at.address('logits'))
          .u32(at.address('labels'))
          .u32(at.address('nll'))
          .u32(at.address('lse'))
          .u32(rowsOf(logits.shape))
          .u32(lastAxis(logits.shape)),
    },
  ],
})
