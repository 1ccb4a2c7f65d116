import { specBytes } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../generated/attention.ts'
import { kvCopyPageOp } from './contract.ts'

export const kvCopyPageWasm: WasmKernel = defineWasmKernel(kvCopyPageOp, {
  name: 'words',
  module: attentionModule,
  supports: () => true,
  stages: ({ inputs, options: { numPages } }) => [
    {
      entry: 'kvCopyPage',
      args: (write, at) =>
        write
          .u32(at.address('pool'))
          .u32(at.address('pages'))
          .u32(numPages)
          .u32(specBytes(inputs.pool) / numPages / 4),
    },
  ],
})
