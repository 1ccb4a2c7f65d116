import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, f32, rowPass } from '../webgpu-kernel/index.ts'
import { layerNormOp } from './contract.ts'
import row from './row.wgsl'

export const layerNormWebgpu: WebGpuKernel = defineWebGpuKernel(layerNormOp, {
  name: 'row',
  passes({ inputs: { x, weight, bias }, options: { eps } }, capabilities) {
    return [
      rowPass(
        {
          name: 'row',
          source: row,
          bindings: [
            bind('x', 'read'),
            ...(weight ? [bind('weight', 'read')] : []),
            ...(bias ? [bind('bias', 'read')] : []),
            bind('y', 'read_write'),
          ],
          fragments: [
            `fn weight_of(i: u32) -> f32 { return ${weight ? 'weight[i]' : '1.0'}; }`,
            `fn bias_of(i: u32) -> f32 { return ${bias ? 'bias[i]' : '0.0'}; }`,
          ],
          params: { eps: f32(eps) },
        },
        rowsOf(x.shape),
        lastAxis(x.shape),
        capabilities,
      ),
    ]
  },
})
