import { lastAxis, sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { denseWeightSuffix } from '../wasm-kernel/index.ts'
import { embeddingOp } from './contract.ts'

export const embeddingWasm: WasmKernel = defineWasmKernel(embeddingOp, {
  name: 'gather',
  module: kernelsModule,
  supports({ inputs: { weight } }) {
    const dense = denseWeightSuffix(weight)
    return 'suffix' in dense || dense.reason
  },
  stages({ inputs: { ids, weight }, options: { scale = 1 } }) {
    const dense = denseWeightSuffix(weight)
    return [
      {
        entry: `embedding${'suffix' in dense ? dense.suffix : ''}`,
        args: (write, at) =>
          write
            .u32(at.address('ids'))
            .u32(at.address('weight'))
            .u32(at.address('y'))
            .u32(sizeOf(ids.shape))
            .u32(weight.shape[0] ?? 0)
            .u32(lastAxis(weight.shape))
            .f32(scale),
      },
    ]
  },
})
