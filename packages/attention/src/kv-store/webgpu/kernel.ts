import { kernelAbi, type Problem, type Shape } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { inBatchRow, inPages } from '../../kv-append/webgpu/kernel.ts'
import { groupLayout, groupSize, type KvCodes, parseKvFormat } from '../../kv-format/index.ts'
import { f32, narrowBits, u32 } from '../../webgpu-part/index.ts'
import codesSource from './codes.wgsl'
import packSource from './pack.wgsl'
import recentSource from './recent.wgsl'
import rowSource from './row.wgsl'

const blocks = { name: 'blocks', tensor: 'blocks', access: 'read_write', type: 'array<u32>' } as const
const rowsIn = [
  { name: 'x', tensor: 'x', access: 'read', type: 'array<f32>' },
  { name: 'positions', tensor: 'positions', access: 'read', type: 'array<i32>' },
] as const

/** Rounds rows into a packed cache; group formats first pack tokens that leave the f16 ring. */
export const kvStoreWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'kv-store',
  opVersion: 1,
  name: 'rows',
  supports: () => true,
  passes(problem) {
    const { format, shape } = problem.options as unknown as { readonly format: string; readonly shape: Shape }
    const codes = parseKvFormat(format)
    return codes?.unit === 'group'
      ? groupPasses(problem, codes, shape)
      : [rowPass(problem, codes?.code === 'fp8', shape)]
  },
}

function rowPass({ inputs }: Problem, isFp8: boolean, shape: Shape): WebGpuPass {
  const table = inputs['blockTable']
  const { rows, ...sizes } = sizesOf(inputs, shape)
  return {
    name: `row-${isFp8 ? 'fp8' : 'int8'}`,
    source: rowSource,
    bindings: [
      ...rowsIn,
      blocks,
      ...(table ? [{ name: 'block_table', tensor: 'blockTable', access: 'read', type: 'array<i32>' } as const] : []),
    ],
    fragments: [narrowBits, codesSource, table ? inPages : inBatchRow],
    constants: { IS_FP8: isFp8 ? 1 : 0 },
    params: { rows: u32(rows), ...sizes, ...(table && { pages: u32(table.shape[1] ?? 0) }) },
    workgroups: linearGrid(rows),
  }
}

function groupPasses(
  { inputs }: Problem,
  codes: Extract<KvCodes, { unit: 'group' }>,
  shape: Shape,
): readonly WebGpuPass[] {
  const [batch = 0, heads = 0, , width = 0] = shape
  const { bits, along, recentRows } = codes
  const { headerWords, groups, codeWords, groupWords, recentAt } = groupLayout(shape, codes)
  // A step packs no more groups than the ring holds.
  const most = recentRows / groupSize
  const { rows, ...sizes } = sizesOf(inputs, shape)
  return [
    {
      name: `pack-${bits}-${along}`,
      source: packSource,
      bindings: [blocks],
      fragments: [narrowBits, codesSource],
      constants: { BITS: bits, PER_WORD: 32 / bits, ALONG_TOKEN: along === 'token' ? 1 : 0 },
      params: {
        most: u32(most),
        heads: u32(batch * heads),
        heads_of_batch: u32(heads),
        groups: u32(groups),
        header_words: u32(headerWords),
        group_words: u32(groupWords),
        code_words: u32(codeWords),
        recent_at: u32(recentAt),
        recent_rows: u32(recentRows),
        width: u32(width),
        share: f32(Math.fround(1 / (2 ** bits - 1))),
      },
      workgroups: linearGrid(batch * heads * most),
    },
    {
      name: 'recent',
      source: recentSource,
      bindings: [...rowsIn, blocks],
      fragments: [narrowBits],
      params: { rows: u32(rows), ...sizes, recent_at: u32(recentAt), recent_rows: u32(recentRows) },
      workgroups: linearGrid(Math.ceil((rows * width) / 2 / 64)),
    },
  ]
}

function sizesOf(
  inputs: Problem['inputs'],
  shape: Shape,
): { readonly rows: number } & Readonly<Record<'length' | 'heads' | 'capacity' | 'width', ReturnType<typeof u32>>> {
  const [batch = 0, length = 0, heads = 0, width = 0] = inputs['x']?.shape ?? []
  return {
    rows: batch * length * heads,
    length: u32(length),
    heads: u32(heads),
    capacity: u32(shape[2] ?? 0),
    width: u32(width),
  }
}
