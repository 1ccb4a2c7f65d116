import { lastAxis, sizeOf } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import { ropeOp } from './contract.ts'
import rotate from './rotate.wgsl'

export const ropeWebgpu: WebGpuKernel = defineWebGpuKernel(ropeOp, {
  name: 'rotate',
  passes({ inputs: { x, cos }, options: { style } }) {
    const [batch = 0, length = 0, heads = 0, channels = 0] = x.shape
    return [
      {
        name: 'rotate',
        source: rotate,
        bindings: [
          bind('x', 'read'),
          { name: 'cos_table', tensor: 'cos', access: 'read', type: 'array<f32>' },
          { name: 'sin_table', tensor: 'sin', access: 'read', type: 'array<f32>' },
          bind('positions', 'read', 'array<i32>'),
          bind('y', 'read_write'),
        ],
        constants: { IS_NEOX: style === 'neox' ? 1 : 0 },
        params: {
          tokens: u32(batch * length),
          heads: u32(heads),
          channels: u32(channels),
          half_dim: u32(lastAxis(cos.shape)),
        },
        workgroups: linearGrid(Math.ceil(sizeOf(x.shape) / 64)),
      },
    ]
  },
})
