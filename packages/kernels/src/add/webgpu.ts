import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { defineWebGpuKernel, repeatedPass } from '../webgpu-kernel/index.ts'
import { addOp } from './contract.ts'

export const addWebgpu: WebGpuKernel = defineWebGpuKernel(addOp, {
  name: 'elementwise',
  passes: (problem) => [repeatedPass(problem, '+')],
})
