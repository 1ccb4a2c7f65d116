import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../generated/attention.ts'
import { groupLayout, parseKvFormat } from '../kv-format/index.ts'
import { kvStoreOp } from './contract.ts'

export const kvStoreWasm: WasmKernel = defineWasmKernel(kvStoreOp, {
  name: 'rows',
  module: attentionModule,
  supports: () => true,
  stages({ inputs: { x, blockTable }, options: { format, shape } }) {
    const codes = parseKvFormat(format)
    const [batch = 0, length = 0, heads = 0, width = 0] = x.shape
    const rows = (write: ArgumentWriter, at: Bindings): ArgumentWriter =>
      write
        .u32(at.address('blocks'))
        .u32(at.address('x'))
        .u32(at.address('positions'))
        .u32(batch)
        .u32(length)
        .u32(heads)
        .u32(shape[2] ?? 0)
        .u32(width)
    if (codes?.unit !== 'group')
      return [
        {
          entry: 'kvStoreRows',
          args: (write, at) =>
            rows(write, at)
              .u32(codes?.code === 'fp8' ? 1 : 0)
              .u32(blockTable ? at.address('blockTable') : 0)
              .u32(blockTable?.shape[1] ?? 0),
        },
      ]
    const { headerWords, groups, codeWords, groupWords, recentAt } = groupLayout(shape, codes)
    return [
      {
        entry: 'kvPackGroups',
        args(write, at) {
          write.u32(at.address('blocks'))
          for (const word of [
            batch,
            heads,
            groups,
            headerWords,
            groupWords,
            codeWords,
            recentAt,
            codes.recentRows,
            width,
            codes.bits,
            codes.along === 'token' ? 1 : 0,
          ])
            write.u32(word)
        },
      },
      { entry: 'kvStoreRecent', args: (write, at) => rows(write, at).u32(recentAt).u32(codes.recentRows) },
    ]
  },
})
