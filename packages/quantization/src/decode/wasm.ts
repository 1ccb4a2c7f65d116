import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { blockTypeOf } from '../encode/contract.ts'
import { encodeModule } from '../generated/encode.ts'
import { decodeBlocksOp } from './contract.ts'

/** The exported function of each type. */
const entries: Readonly<Record<string, string>> = { q4_0: 'decodeQ40', q4_1: 'decodeQ41', q8_0: 'decodeQ80' }

/** Blocks to values on a device's threads, with the same values on every build: no product and sum is fused. */
export const decodeBlocksWasm: WasmKernel = defineWasmKernel(decodeBlocksOp, {
  name: 'blocks',
  module: encodeModule,
  supports: ({ options: { format } }) => entries[format] !== undefined || `${format} is decoded on the host`,
  stages({ inputs: { blocks }, options: { format } }) {
    return [
      {
        entry: entries[format] as string,
        args(write, at) {
          write
            .u32(at.address('blocks'))
            .u32(at.address('values'))
            .u32(sizeOf(blocks.shape) / blockTypeOf(format).blockBytes)
        },
      },
    ]
  },
})
