import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { probeKernelsModule } from './generated/probe-kernels.ts'
import { scaleOp } from './ops.ts'

export const scaleKernel: WasmKernel = defineWasmKernel(scaleOp, {
  name: 'plain',
  module: probeKernelsModule,
  supports: ({ inputs: { x } }) => (x.kind === 'dense' && x.dtype === 'f32') || 'x is not dense f32',
  stages: ({ inputs: { x }, options: { factor } }) => [
    {
      entry: 'scale',
      args: (write, at) => void write.u32(at.address('x')).u32(at.address('y')).u32(sizeOf(x.shape)).f32(factor),
    },
  ],
})
