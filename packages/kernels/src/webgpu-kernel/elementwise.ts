import { linearGrid, type WebGpuPass } from '@tessera-llm/webgpu'
import { bind, u32 } from './define.ts'
import elementwise from './elementwise.wgsl'

export interface Elementwise {
  /** Values of the output `y`. */
  readonly size: number
  /** Tensors read, by name; each has as many values as y, or is indexed by `value` itself. */
  readonly reads: readonly string[]
  /** WGSL expression of element i: `a[i] + b[i]`. */
  readonly value: string
  /** Four values an element; every tensor must have a multiple of four. */
  readonly isVector: boolean
  readonly fragments?: readonly string[]
  readonly params?: WebGpuPass['params']
}

/** The pass that computes each element of `y` from its index, four values at a time where sizes allow. */
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
