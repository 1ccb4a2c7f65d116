import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, rowPass } from '../webgpu-kernel/index.ts'
import { argmaxOp } from './contract.ts'
import row from './row.wgsl'

export const argmaxWebgpu: WebGpuKernel = defineWebGpuKernel(argmaxOp, {
  name: 'row',
  passes: ({ inputs: { x } }) => [rowPass({ name: 'row', source: row, bindings: [bind('x', 'read'), bind('index', 'read_write', 'array<i32>')] }, rowsOf(x.shape), lastAxis(x.shape))],
})
