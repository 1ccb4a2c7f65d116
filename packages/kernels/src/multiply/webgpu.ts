import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { defineWebGpuKernel, repeatedPass } from '../webgpu-kernel/index.ts'
import { multiplyOp } from './contract.ts'

export const multiplyWebgpu: WebGpuKernel = defineWebGpuKernel(multiplyOp, {
  name: 'elementwise',
  passes: (problem) => [repeatedPass(problem, '*')],
})
