import { type Capabilities, kernelAbi } from '@tessera-llm/tensor'
import { lanesOf, linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { joinParts, type Part, paramsPart, u32 } from '../../../webgpu-part/index.ts'
import { type AttentionProblem, attentionProblem, fitsGpu } from '../problem.ts'
import { maskedPart, scorePart, sinkPart, spanPart, weighedPart } from '../score/score.ts'
import { keyPart, lsePart, outputPart, queryPart, valuePart } from '../tensors.ts'
import { decodePlan } from './plan.ts'
import reduceSource from './reduce.wgsl'
import rowsSource from './rows.wgsl'
import rowsSubgroup from './rows-subgroup.wgsl'
import splitSource from './split.wgsl'

/**
 * Few rows over many keys: workgroups divide the keys, and each key and value is read once for all query heads of its
 * KV head.
 */
export const decodeWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention',
  opVersion: 1,
  name: 'decode',
  priority(problem) {
    const { seqLenQ, group, inputs } = attentionProblem(problem)
    return !inputs.cuSeqLens && (seqLenQ === 1 || (seqLenQ <= 8 && seqLenQ * group <= 32)) ? 20 : -1
  },
  supports(problem, capabilities) {
    const attention = attentionProblem(problem)
    if (attention.inputs.cuSeqLens)
      return 'packs the rows of one sequence, and which rows those are only the tensor cuSeqLens says; use flash'
    return fitsGpu(attention, decodePasses(attention, capabilities), capabilities)
  },
  passes: (problem, capabilities) => decodePasses(attentionProblem(problem), capabilities),
  temporaries(problem) {
    const attention = attentionProblem(problem)
    const { splits, workgroups, rows } = decodePlan(attention)
    if (splits === 1) return {}
    return {
      partial_o: workgroups * rows * Math.ceil(attention.valueDim / 4) * 16,
      partial_sums: workgroups * rows * 8,
    }
  },
}

function decodePasses(problem: AttentionProblem, capabilities: Capabilities): readonly WebGpuPass[] {
  const lanes = lanesOf(capabilities)
  const { batch, numHeads, numKvHeads, seqLenQ, headDim, valueDim, group } = problem
  const { rows, rowBlocks, splits, splitKeys, workgroups } = decodePlan(problem)
  const valueVectors = Math.ceil(valueDim / 4)
  const laneColumns = Math.min(valueVectors, 64)
  const isSplit = splits > 1
  const sizes = paramsPart({ splits: u32(splits), split_keys: u32(splitKeys), row_blocks: u32(rowBlocks) })
  const results = joinParts(outputPart(problem), lsePart(problem))
  const inner = joinParts(
    queryPart(problem),
    keyPart(problem),
    valuePart(problem),
    spanPart(problem),
    maskedPart,
    scorePart(problem),
    // If the keys are divided, the reduction adds the sink.
    isSplit
      ? { bindings: [], params: {}, fragments: ['fn sink_of(head: u32) -> f32 { return MASKED; }'] }
      : sinkPart(problem),
    weighedPart(problem),
    isSplit ? storePartial(valueVectors) : joinParts(results, storeResult),
    sizes,
    paramsPart({ workgroups: u32(workgroups), kv_heads: u32(numKvHeads) }),
  )
  const split: WebGpuPass = {
    name: 'decode/split',
    source: splitSource,
    ...inner,
    enables: lanes.enables,
    // The body declares the memory that the row functions use; WGSL allows any order of declarations.
    fragments: [...inner.fragments, lanes.fragment, lanes.isSubgroup ? rowsSubgroup : rowsSource],
    constants: {
      GROUP: group,
      ROWS4: rows / 4,
      QUERY_CHUNKS: Math.ceil(headDim / 4),
      VALUE_VECTORS: valueVectors,
      LANE_COLUMNS: laneColumns,
      COLUMNS: Math.ceil(valueVectors / 64),
      KEY_GROUPS: Math.floor(64 / laneColumns),
      IS_SPLIT: isSplit ? 1 : 0,
    },
    workgroups: linearGrid(workgroups),
  }
  if (!isSplit) return [split]
  const outer = joinParts(
    results,
    spanPart(problem),
    maskedPart,
    sinkPart(problem),
    sizes,
    paramsPart({ rows: u32(batch * numHeads * seqLenQ), heads: u32(numHeads) }),
  )
  return [
    split,
    {
      name: 'decode/reduce',
      source: reduceSource,
      ...outer,
      bindings: [
        ...outer.bindings,
        partial('partial_o', 'read', 'array<vec4<f32>>'),
        partial('partial_sums', 'read', 'array<vec2<f32>>'),
      ],
      constants: { GROUP: group, ROWS: rows, VALUE_VECTORS: valueVectors },
      workgroups: linearGrid(batch * numHeads * seqLenQ),
    },
  ]
}

/** Stores the whole result of a row, if one workgroup sees all its keys. */
const storeResult: Part = {
  bindings: [],
  params: {},
  fragments: [
    `fn store_row(index: u32, r: u32, batch: u32, head: u32, row: u32, column: u32, value: vec4<f32>, m: f32, l: f32) {
  store_o4(o_at(batch, head, row), column, value * select(0.0, 1.0 / l, l > 0.0));
  if (column == 0u) { store_lse(batch, head, row, m, l); }
}`,
  ],
}

/** Stores the partial result of a split: the output before division, the highest score, and the sum. */
function storePartial(valueVectors: number): Part {
  return {
    bindings: [
      partial('partial_o', 'read_write', 'array<vec4<f32>>'),
      partial('partial_sums', 'read_write', 'array<vec2<f32>>'),
    ],
    params: {},
    fragments: [
      `fn store_row(index: u32, r: u32, batch: u32, head: u32, row: u32, column: u32, value: vec4<f32>, m: f32, l: f32) {
  let at = index * 4u * ROWS4 + r;
  partial_o[at * ${valueVectors}u + column] = value;
  if (column == 0u) { partial_sums[at] = vec2<f32>(m, l); }
}`,
    ],
  }
}

function partial(name: string, access: 'read' | 'read_write', type: string): Part['bindings'][number] {
  return { name, tensor: name, access, type }
}
