import { embeddingOp } from '@tessera-llm/kernels'
import { lastAxis, sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import { rows8Suffix, whyNotRows8 } from '../linear/wasm.ts'

export const rows8EmbeddingWasm: WasmKernel = defineWasmKernel(embeddingOp, {
  name: 'rows8',
  module: quantizationModule,
  supports: ({ inputs: { weight } }) => rows8Suffix(weight) !== undefined || whyNotRows8(weight),
  stages({ inputs: { ids, weight }, options: { scale = 1 } }) {
    const width = lastAxis(weight.shape)
    return [
      {
        entry: `gather_${rows8Suffix(weight)}`,
        args: (write, at) =>
          write.u32(at.address('ids')).u32(at.address('weight.groups')).u32(at.address('y')).u32(sizeOf(ids.shape)).u32(weight.shape[0] ?? 0).u32(width).f32(scale).u32(at.scratch).u32(width * 32),
      },
    ]
  },
  scratchBytes: ({ inputs: { weight } }, threads) => lastAxis(weight.shape) * 32 * threads,
})
