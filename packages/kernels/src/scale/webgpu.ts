import { sizeOf } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { defineWebGpuKernel, elementwisePass, f32 } from '../webgpu-kernel/index.ts'
import { scaleOp } from './contract.ts'

export const scaleWebgpu: WebGpuKernel = defineWebGpuKernel(scaleOp, {
  name: 'elementwise',
  passes({ outputs: { y }, options: { factor } }) {
    const size = sizeOf(y.shape)
    return [
      elementwisePass({
        size,
        reads: ['x'],
        value: 'params.factor * x[i]',
        isVector: size % 4 === 0,
        params: { factor: f32(factor) },
      }),
    ]
  },
})
