import { sizeOf } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { defineWebGpuKernel, elementwisePass } from '../webgpu-kernel/index.ts'
import { activationOp } from './contract.ts'
import { activationFragments } from './wgsl.ts'

export const activationWebgpu: WebGpuKernel = defineWebGpuKernel(activationOp, {
  name: 'elementwise',
  passes({ outputs: { y }, options: { kind } }) {
    const size = sizeOf(y.shape)
    return [
      elementwisePass({
        size,
        reads: ['x'],
        value: 'activate(x[i])',
        isVector: size % 4 === 0,
        fragments: activationFragments(kind),
      }),
    ]
  },
})
