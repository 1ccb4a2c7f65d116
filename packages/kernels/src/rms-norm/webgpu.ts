import { type Capabilities, lastAxis, rowsOf, type Shape } from '@tessera-llm/tensor'
import type { Binding, WebGpuKernel, WebGpuPass } from '@tessera-llm/webgpu'
import { bind, defineWebGpuKernel, f32, rowPass } from '../webgpu-kernel/index.ts'
import { type RmsNormOptions, rmsNormOp } from './contract.ts'
import row from './row.wgsl'

const readInput = `fn value_at(i: u32) -> f32 { return x[i]; }
fn stored_at(i: u32) -> f32 { return x[i]; }`

export const rmsNormWebgpu: WebGpuKernel = defineWebGpuKernel(rmsNormOp, {
  name: 'row',
  passes: ({ inputs: { weight, residual }, outputs: { y }, options }, capabilities) => [
    rmsNormPass(
      capabilities,
      y.shape,
      weight !== undefined,
      options,
      [bind('x', 'read'), ...(residual ? [bind('residual', 'read')] : [])],
      `${readInput}\n${added(residual !== undefined)}`,
    ),
  ],
})

/** Declares `added_at(i)`: the addend of normalized value i. */
export function added(hasResidual: boolean): string {
  return `fn added_at(i: u32) -> f32 { return ${hasResidual ? 'residual[i]' : '0.0'}; }`
}

/** Pass of `rms-norm` and `add-rms-norm`, which differ in where values come from. */
export function rmsNormPass(
  capabilities: Capabilities,
  shape: Shape,
  hasWeight: boolean,
  { eps, unitOffset = false }: RmsNormOptions,
  bindings: readonly Binding[],
  values: string,
): WebGpuPass {
  const factor = unitOffset ? '1.0 + weight[i]' : 'weight[i]'
  return rowPass(
    {
      name: 'row',
      source: row,
      bindings: [...bindings, ...(hasWeight ? [bind('weight', 'read')] : []), bind('y', 'read_write')],
      fragments: [values, `fn weight_of(i: u32) -> f32 { return ${hasWeight ? factor : '1.0'}; }`],
      params: { eps: f32(eps) },
    },
    rowsOf(shape),
    lastAxis(shape),
    capabilities,
  )
}
