import { sizeOf } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, f32, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import { embeddingOp } from './contract.ts'
import gather from './gather.wgsl'

/** `embedding` from a table in the reader's format. */
export function embeddingKernel(reader: WeightReader): WebGpuKernel {
  return defineWebGpuKernel(embeddingOp, {
    name: `gather-${reader.name}`,
    supports: ({ inputs: { weight } }) => reader.supports(weight),
    passes({ inputs: { ids, weight }, options: { scale = 1 } }) {
      const [rows = 0, columns = 0] = weight.shape
      const tokens = sizeOf(ids.shape)
      return [
        {
          name: `gather-${reader.name}`,
          source: gather,
          bindings: [bind('ids', 'read', 'array<i32>'), ...reader.bindings(weight), bind('y', 'read_write')],
          fragments: reader.fragments(weight),
          params: { tokens: u32(tokens), rows: u32(rows), columns: u32(columns), scale: f32(scale) },
          workgroups: linearGrid(Math.ceil((tokens * Math.ceil(columns / 8)) / 64)),
        },
      ]
    },
  })
}
