import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { added, rmsNormPass } from '../rms-norm/webgpu.ts'
import { bind, defineWebGpuKernel } from '../webgpu-kernel/index.ts'
import { addRmsNormOp } from './contract.ts'

const addAndStore = `fn value_at(i: u32) -> f32 {
  let sum = x[i] + residual[i];
  h[i] = sum;
  return sum;
}
fn stored_at(i: u32) -> f32 { return h[i]; }`

export const addRmsNormWebgpu: WebGpuKernel = defineWebGpuKernel(addRmsNormOp, {
  name: 'row',
  passes: ({ inputs: { weight }, outputs: { y }, options }, capabilities) => [
    rmsNormPass(
      capabilities,
      y.shape,
      weight !== undefined,
      options,
      [bind('x', 'read'), bind('residual', 'read'), bind('h', 'read_write')],
      `${addAndStore}\n${added(false)}`,
    ),
  ],
})
