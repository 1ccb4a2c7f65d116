import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import type { Binding, WebGpuKernel } from '@tessera-llm/webgpu'
import rowExponentials from '../softmax/row-exponentials.wgsl'
import { bind, defineWebGpuKernel, rowPass } from '../webgpu-kernel/index.ts'
import { crossEntropyOp } from './contract.ts'
import row from './row.wgsl'

export const crossEntropyWebgpu: WebGpuKernel = defineWebGpuKernel(crossEntropyOp, {
  name: 'row',
  passes({ inputs: { logits } }, capabilities) {
    const bindings: Binding[] = [
      { name: 'x', tensor: 'logits', access: 'read', type: 'array<f32>' },
      bind('labels', 'read', 'array<i32>'),
      bind('nll', 'read_write'),
      bind('lse', 'read_write'),
    ]
    return [
      rowPass(
        { name: 'row', source: row, bindings, fragments: [rowExponentials] },
        rowsOf(logits.shape),
        lastAxis(logits.shape),
        capabilities,
      ),
    ]
  },
})
