import { sizeOf } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { activationFragments } from '../activation/wgsl.ts'
import { defineWebGpuKernel, elementwisePass } from '../webgpu-kernel/index.ts'
import { gatedActivationOp } from './contract.ts'

export const gatedActivationWebgpu: WebGpuKernel = defineWebGpuKernel(gatedActivationOp, {
  name: 'elementwise',
  passes({ outputs: { y }, options: { kind } }) {
    const size = sizeOf(y.shape)
    return [
      elementwisePass({
        size,
        reads: ['gate', 'up'],
        value: 'activate(gate[i]) * up[i]',
        isVector: size % 4 === 0,
        fragments: activationFragments(kind),
      }),
    ]
  },
})
