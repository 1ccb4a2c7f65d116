import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import { groupBytesOf, hasOffset, headBytesOf, rowsPerGroup } from './layout.ts'
import { kindOf, packRows8Op, packsOnDevice } from './pack-op.ts'

export const packRows8Wasm: WasmKernel = defineWasmKernel(packRows8Op, {
  name: 'blocks',
  module: quantizationModule,
  supports: ({ options: { source } }) => packsOnDevice(source) || `${source} is packed in JavaScript`,
  stages({ options: { source, columns, firstRow, rows } }) {
    const { type, layout } = kindOf(source)
    const groupBytes = groupBytesOf(layout, columns)
    const superType = superTypes.indexOf(source)
    if (superType >= 0) {
      return [
        {
          entry: 'packSuperBlocks',
          args: (write, at) =>
            write
              .u32(at.address('stored'))
              .u32(at.address('groups') + (firstRow / rowsPerGroup) * groupBytes)
              .u32(rows)
              .u32(columns / type.blockSize)
              .u32(type.blockBytes)
              .u32(groupBytes)
              .u32(superType),
        },
      ]
    }
    return [
      {
        entry: 'packBlocks',
        args: (write, at) =>
          write
            .u32(at.address('stored'))
            .u32(at.address('groups') + (firstRow / rowsPerGroup) * groupBytes)
            .u32(rows)
            .u32(columns / type.blockSize)
            .u32(type.blockBytes)
            .u32(groupBytes)
            .u32(headBytesOf(layout))
            .u32(hasOffset(layout) ? 1 : 0)
            .u32(codeKinds[layout.codes] ?? 0),
      },
    ]
  },
})

/** Numbered as in assembly/rows8/pack-k.ts. */
const superTypes: readonly string[] = ['q4_k', 'q5_k', 'q6_k']

/** Numbers of assembly/rows8/layout.ts. */
const codeKinds: Readonly<Record<string, number>> = { bytes: 0, nibbles: 1, 'nibbles+1': 2 }
