import { sizeOf } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, f32, u32 } from '../webgpu-kernel/index.ts'
import { hadamardOp } from './contract.ts'
import butterflies from './butterflies.wgsl'

export const hadamardWebgpu: WebGpuKernel = defineWebGpuKernel(hadamardOp, {
  name: 'butterflies',
  passes({ outputs: { y }, options: { block } }) {
    const blocks = sizeOf(y.shape) / block
    return [
      {
        name: 'butterflies',
        source: butterflies,
        bindings: [bind('x', 'read'), bind('y', 'read_write')],
        // Each lane takes at least one pair of values.
        constants: { BLOCK: block, WORKGROUP: Math.min(256, Math.max(32, block / 2)) },
        params: { blocks: u32(blocks), scale: f32(1 / Math.sqrt(block)) },
        workgroups: linearGrid(blocks),
      },
    ]
  },
})
