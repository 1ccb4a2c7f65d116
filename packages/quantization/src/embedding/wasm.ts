import { embeddingOp } from '@tessera-llm/kernels'
import { lastAxis, sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import { fitsRows8, layoutOf } from '../linear/wasm.ts'
import { blocksOf, layoutWords } from '../rows8/layout.ts'

/** Bytes of the decoded panel of each block of 8 rows, first as codes, then as f32. */
const scratchBytes = (width: number): number => Math.ceil((blocksOf(width) * (384 + 1024)) / 64) * 64

export const rows8EmbeddingWasm: WasmKernel = defineWasmKernel(embeddingOp, {
  name: 'rows8',
  module: quantizationModule,
  supports: ({ inputs: { weight } }) => fitsRows8(weight),
  stages({ inputs: { ids, weight }, options: { scale = 1 } }) {
    const width = lastAxis(weight.shape)
    return [
      {
        entry: 'gather',
        args(write, at) {
          write
            .u32(at.address('ids'))
            .u32(at.address('weight.groups'))
            .u32(at.address('y'))
            .u32(sizeOf(ids.shape))
            .u32(weight.shape[0] ?? 0)
            .u32(width)
            .f32(scale)
            .u32(at.scratch)
            .u32(scratchBytes(width))
          for (const word of layoutWords(layoutOf(weight))) write.u32(word)
        },
      },
    ]
  },
  scratchBytes: ({ inputs: { weight } }, threads) => scratchBytes(lastAxis(weight.shape)) * threads,
})
