import { lastAxis, rowsOf, type Shape } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import rowReduce from '../webgpu-kernel/row-reduce.wgsl'
import { topKOp } from './contract.ts'
import select from './select.wgsl'

/** Values that a workgroup selects from in the first pass: few enough to stay in cache for k rounds, enough for many workgroups. */
const segmentSize = 4096

/** The largest of segments, then the largest of those: two passes, or one for short rows. */
export const topKWebgpu: WebGpuKernel = defineWebGpuKernel(topKOp, {
  name: 'segments',
  passes({ inputs: { x }, options: { k } }) {
    const { rows, width, segments } = sizesOf(x.shape)
    const outputs = { values: 'values', indices: 'indices' }
    const fromInput = { values: 'x', indices: undefined }
    if (segments === 1) return [selectPass('row', fromInput, outputs, { rows, width, segment: width, segments: 1, k })]
    const candidates = { values: 'candidateValues', indices: 'candidateIndices' }
    const left = segments * k
    return [
      selectPass('segments', fromInput, candidates, { rows, width, segment: segmentSize, segments, k }),
      selectPass('merge', candidates, outputs, { rows, width: left, segment: left, segments: 1, k }),
    ]
  },
  temporaries({ inputs: { x }, options: { k } }): Readonly<Record<string, number>> {
    const { rows, segments } = sizesOf(x.shape)
    return segments === 1 ? {} : { candidateValues: 4 * rows * segments * k, candidateIndices: 4 * rows * segments * k }
  },
})

function sizesOf(shape: Shape): { readonly rows: number; readonly width: number; readonly segments: number } {
  const width = lastAxis(shape)
  return { rows: rowsOf(shape), width, segments: Math.ceil(width / segmentSize) }
}

interface Pair<I> {
  readonly values: string
  readonly indices: I
}

interface Sizes {
  readonly rows: number
  readonly width: number
  readonly segment: number
  readonly segments: number
  readonly k: number
}

function selectPass(name: string, from: Pair<string | undefined>, to: Pair<string>, { rows, width, segment, segments, k }: Sizes): WebGpuPass {
  return {
    name,
    source: select,
    bindings: [
      { name: 'source_values', tensor: from.values, access: 'read', type: 'array<f32>' },
      ...(from.indices ? [{ name: 'source_indices', tensor: from.indices, access: 'read', type: 'array<u32>' } as const] : []),
      { name: 'chosen_values', tensor: to.values, access: 'read_write', type: 'array<f32>' },
      { name: 'chosen_indices', tensor: to.indices, access: 'read_write', type: 'array<u32>' },
    ],
    constants: { WORKGROUP: 256 },
    fragments: [rowReduce, `fn index_of(at: u32, i: u32) -> u32 { return ${from.indices ? 'source_indices[at]' : 'i'}; }`],
    params: { rows: u32(rows), width: u32(width), segment: u32(segment), segments: u32(segments), k: u32(k) },
    workgroups: linearGrid(rows * segments),
  }
}
