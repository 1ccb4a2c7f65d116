import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { ropeOp } from './contract.ts'

export const ropeWasm: WasmKernel = defineWasmKernel(ropeOp, {
  name: 'heads',
  module: kernelsModule,
  supports: () => true,
  stages({ inputs: { cos }, outputs: { y }, options: { style } }) {
    const [batch = 0, tokens = 0, heads = 0, headDim = 0] = y.shape
    return [
      {
        entry: 'rope',
        args: (write, at) =>
          write
            .u32(at.address('x'))
            .u32(at.address('cos'))
            .u32(at.address('sin'))
            .u32(at.address('positions'))
            .u32(at.address('y'))
            .u32(batch * tokens)
            .u32(heads)
            .u32(headDim)
            .u32(cos.shape[1] ?? 0)
            .u32(style === 'neox' ? 1 : 0),
      },
    ]
  },
})
