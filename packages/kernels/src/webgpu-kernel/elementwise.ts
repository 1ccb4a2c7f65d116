import { linearGrid, type WebGpuPass } from '@tessera-llm/webgpu'
import { bind, u32 } from './define.ts'
import elementwise from './elementwise.wgsl'

export interface Elementwise {
  /** Number of values of the output `y`. */
  readonly size: number
  /** Names of the tensors read. Each has as many values as y, unless `value` computes its own index. */
  readonly reads: readonly string[]
  /** WGSL expression of element i, such as `a[i] + b[i]`. */
  readonly value: string
  /** Processes four values at a time; all sizes must be multiples of four. */
  readonly isVector: boolean
  readonly fragments?: readonly string[]
  readonly params?: WebGpuPass['params']
}

/** Pass that computes each element of `y` from its index, four values at a time if sizes allow. */
export function elementwisePass({
  size,
  reads,
  value,
  isVector,
  fragments = [],
  params = {},
}: Elementwise): WebGpuPass {
  const type = isVector ? 'array<vec4<f32>>' : 'array<f32>'
  const count = isVector ? size / 4 : size
  return {
    name: 'elementwise',
    source: elementwise,
    aliases: { elem: isVector ? 'vec4<f32>' : 'f32' },
    bindings: [...reads.map((name) => bind(name, 'read', type)), bind('y', 'read_write', type)],
    fragments: [...fragments, `fn value_at(i: u32) -> elem { return ${value}; }`],
    params: { count: u32(count), ...params },
    workgroups: linearGrid(Math.ceil(count / 64)),
  }
}
