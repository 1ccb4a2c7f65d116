import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { logSoftmaxOp, softmaxOp } from './contract.ts'

export const softmaxWasm: WasmKernel = defineWasmKernel(softmaxOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y } }) => [
    {
      entry: 'softmax',
      args: (write, at) => write.u32(at.address('x')).u32(at.address('y')).u32(rowsOf(y.shape)).u32(lastAxis(y.shape)),
    },
  ],
})

export const logSoftmaxWasm: WasmKernel = defineWasmKernel(logSoftmaxOp, {
  name: 'rows',
  module: kernelsModule,
  supports: () => true,
  stages: ({ outputs: { y } }) => [
    {
      entry: 'logSoftmax',
      args: (write, at) => write.u32(at.address('x')).u32(at.address('y')).u32(rowsOf(y.shape)).u32(lastAxis(y.shape)),
    },
  ],
})
