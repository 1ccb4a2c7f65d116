import { lastAxis, type Op, rowsOf } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, rowPass } from '../webgpu-kernel/index.ts'
import { logSoftmaxOp, type SoftmaxInputs, softmaxOp, type SoftmaxOutputs } from './contract.ts'
import row from './row.wgsl'
import rowExponentials from './row-exponentials.wgsl'

export const softmaxWebgpu: WebGpuKernel = softmaxKernel(softmaxOp, 0)
export const logSoftmaxWebgpu: WebGpuKernel = softmaxKernel(logSoftmaxOp, 1)

function softmaxKernel(op: Op<SoftmaxInputs, SoftmaxOutputs, Record<string, never>>, isLog: 0 | 1): WebGpuKernel {
  return defineWebGpuKernel(op, {
    name: 'row',
    passes({ inputs: { x } }, capabilities) {
      const bindings = [bind('x', 'read'), bind('y', 'read_write')]
      return [
        rowPass(
          { name: 'row', source: row, bindings, fragments: [rowExponentials], constants: { IS_LOG: isLog } },
          rowsOf(x.shape),
          lastAxis(x.shape),
          capabilities,
        ),
      ]
    },
  })
}
