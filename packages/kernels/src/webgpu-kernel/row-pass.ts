import type { Capabilities } from '@tessera-llm/tensor'
import { lanesOf, linearGrid, type WebGpuPass } from '@tessera-llm/webgpu'
import { u32 } from './define.ts'
import rowReduce from './row-reduce.wgsl'
import rowReduceSubgroup from './row-reduce-subgroup.wgsl'

/**
 * Pass with one workgroup per row of `width` values. The body sees `params.rows`, `params.width`, WORKGROUP,
 * `Invocation` and the reductions of `row-reduce.wgsl`.
 */
export function rowPass(
  pass: Omit<WebGpuPass, 'workgroups'>,
  rows: number,
  width: number,
  capabilities: Capabilities,
): WebGpuPass {
  const { isSubgroup, enables, fragment } = lanesOf(capabilities)
  return {
    ...pass,
    enables,
    constants: { WORKGROUP: workgroupOf(width), ...pass.constants },
    fragments: [fragment, isSubgroup ? rowReduceSubgroup : rowReduce, ...(pass.fragments ?? [])],
    params: { rows: u32(rows), width: u32(width), ...pass.params },
    workgroups: linearGrid(rows),
  }
}

/** Lanes per row: at least a subgroup, at most 256 (the guaranteed maximum). */
function workgroupOf(width: number): number {
  if (width <= 512) return 32
  return width <= 4096 ? 128 : 256
}
