import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../generated/attention.ts'
import { kvAppendOp } from './contract.ts'

export const kvAppendWasm: WasmKernel = defineWasmKernel(kvAppendOp, {
  name: 'rows',
  module: attentionModule,
  supports: () => true,
  stages({ inputs: { cache, x, blockTable } }) {
    const [batch = 0, length = 0, heads = 0, width = 0] = x.shape
    const isHalf = cache.kind === 'dense' && cache.dtype === 'f16'
    return [
      {
        entry: 'kvAppend',
        args: (write, at) =>
          write
            .u32(at.address('cache'))
            .u32(at.address('x'))
            .u32(at.address('positions'))
            .u32(batch)
            .u32(length)
            .u32(heads)
            .u32(cache.shape[2] ?? 0)
            .u32(width)
            .u32(isHalf ? 1 : 0)
            .u32(blockTable ? at.address('blockTable') : 0)
            .u32(blockTable?.shape[1] ?? 0),
      },
    ]
  },
})
