import { linearGrid, type WebGpuPass } from '@tessera-llm/webgpu'
import { u32 } from '../webgpu-kernel/index.ts'
import rowReduce from '../webgpu-kernel/row-reduce.wgsl'
import select from './select.wgsl'

/** Values per workgroup in the first pass: few enough to stay in cache for k rounds, enough for many workgroups. */
const segmentSize = 4096

/** Names of the tensors that hold the selected values and their indices. */
export interface Chosen {
  readonly values: string
  readonly indices: string
}

export interface Selection {
  readonly rows: number
  readonly width: number
  readonly k: number
}

const candidates: Chosen = { values: 'candidateValues', indices: 'candidateIndices' }

/**
 * The k largest of each row of `x`: first of each segment, then of the remaining candidates. Short rows take one pass.
 */
export function selectPasses({ rows, width, k }: Selection, chosen: Chosen): readonly WebGpuPass[] {
  const segments = segmentsOf(width)
  if (segments === 1) return [selectPass('row', undefined, chosen, { rows, width, segment: width, segments: 1, k })]
  const left = segments * k
  return [
    selectPass('segments', undefined, candidates, { rows, width, segment: segmentSize, segments, k }),
    selectPass('merge', candidates, chosen, { rows, width: left, segment: left, segments: 1, k }),
  ]
}

/** Byte sizes of the temporaries of `selectPasses`. */
export function selectTemporaries({ rows, width, k }: Selection): Readonly<Record<string, number>> {
  const segments = segmentsOf(width)
  return segments === 1
    ? {}
    : { [candidates.values]: 4 * rows * segments * k, [candidates.indices]: 4 * rows * segments * k }
}

function segmentsOf(width: number): number {
  return Math.ceil(width / segmentSize)
}

interface Sizes extends Selection {
  readonly segment: number
  readonly segments: number
}

function selectPass(
  name: string,
  from: Chosen | undefined,
  to: Chosen,
  { rows, width, segment, segments, k }: Sizes,
): WebGpuPass {
  return {
    name,
    source: select,
    bindings: [
      { name: 'source_values', tensor: from?.values ?? 'x', access: 'read', type: 'array<f32>' },
      ...(from ? [{ name: 'source_indices', tensor: from.indices, access: 'read', type: 'array<u32>' } as const] : []),
      { name: 'chosen_values', tensor: to.values, access: 'read_write', type: 'array<f32>' },
      { name: 'chosen_indices', tensor: to.indices, access: 'read_write', type: 'array<u32>' },
    ],
    constants: { WORKGROUP: 256 },
    fragments: [rowReduce, `fn index_of(at: u32, i: u32) -> u32 { return ${from ? 'source_indices[at]' : 'i'}; }`],
    params: { rows: u32(rows), width: u32(width), segment: u32(segment), segments: u32(segments), k: u32(k) },
    workgroups: linearGrid(rows * segments),
  }
}
