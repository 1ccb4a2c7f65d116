import type { WebGpuPass } from '@tessera-llm/webgpu'
import { linearGrid } from '@tessera-llm/webgpu'
import rowReduce from './row-reduce.wgsl'
import { u32 } from './define.ts'

/** One workgroup per row of `width` values; the body finds `params.rows`, `params.width`, WORKGROUP and the reductions of `row-reduce.wgsl`. */
export function rowPass(pass: Omit<WebGpuPass, 'workgroups'>, rows: number, width: number): WebGpuPass {
  return {
    ...pass,
    constants: { WORKGROUP: workgroupOf(width), ...pass.constants },
    fragments: [rowReduce, ...(pass.fragments ?? [])],
    params: { rows: u32(rows), width: u32(width), ...pass.params },
    workgroups: linearGrid(rows),
  }
}

/** Lanes that share a row: at least a subgroup's worth, at most 256 (the guaranteed maximum). */
function workgroupOf(width: number): number {
  if (width <= 512) return 32
  return width <= 4096 ? 128 : 256
}
