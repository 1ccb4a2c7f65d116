import { denseSpec, sizeOf } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { elementReader } from '../weight-reader/index.ts'
import { bind, defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import { matmulOp, matmulSizes } from './contract.ts'
import tiled from './tiled.wgsl'

/** Outputs of a workgroup along either axis. */
const tile = 32

export const matmulWebgpu: WebGpuKernel = defineWebGpuKernel(matmulOp, {
  name: 'tiled',
  passes({ inputs, options }) {
    const { batch, m, n, k, isShared } = matmulSizes(inputs, options)
    const batches = sizeOf(batch)
    const a = elementReader(denseSpec(inputs.a, 'matmul', 'a').dtype)
    const b = elementReader(denseSpec(inputs.b, 'matmul', 'b').dtype)
    return [
      {
        name: 'tiled',
        source: tiled,
        bindings: [bind('a', 'read', a.type), bind('b', 'read', b.type), bind('y', 'read_write')],
        fragments: [
          `fn a_at(i: u32) -> f32 { return ${a.at('a')}; }`,
          `fn b_at(i: u32) -> f32 { return ${b.at('b')}; }`,
        ],
        params: {
          batches: u32(batches),
          m: u32(m),
          n: u32(n),
          k: u32(k),
          a_row: u32(options.transposeA ? 1 : k),
          a_column: u32(options.transposeA ? m : 1),
          a_batch: u32(m * k),
          b_row: u32(options.transposeB ? 1 : n),
          b_column: u32(options.transposeB ? k : 1),
          b_batch: u32(isShared ? 0 : k * n),
        },
        workgroups: linearGrid(batches * Math.ceil(m / tile) * Math.ceil(n / tile)),
      },
    ]
  },
})
