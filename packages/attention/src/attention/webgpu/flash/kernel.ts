import { type Capabilities, kernelAbi } from '@tessera-llm/tensor'
import { lanesOf, linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { joinParts, paramsPart, u32 } from '../../../webgpu-part/index.ts'
import { type AttentionProblem, attentionProblem, fitsGpu } from '../problem.ts'
import { maskedPart, scorePart, sinkPart, spanPart, weighedPart } from '../score/score.ts'
import { keyPart, lsePart, outputPart, queryPart, valuePart } from '../tensors.ts'
import { tileColumns, tileRows } from '../tile/tile.ts'
import accumulate from '../tile/accumulate.wgsl'
import products from '../tile/products.wgsl'
import stageValues from '../tile/stage-values.wgsl'
import tileSource from '../tile/tile.wgsl'
import prefill from './prefill.wgsl'
import rowLanes from './row-lanes.wgsl'
import rowLanesSubgroup from './row-lanes-subgroup.wgsl'

/**
 * Tiled attention with online softmax: memory grows with N, not N². Takes 14.5 KiB of workgroup memory for any head
 * size.
 */
export const flashWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention',
  opVersion: 1,
  name: 'flash',
  priority: () => 10,
  supports: (problem, capabilities) =>
    fitsGpu(attentionProblem(problem), flashPasses(attentionProblem(problem), capabilities), capabilities),
  passes: (problem, capabilities) => flashPasses(attentionProblem(problem), capabilities),
}

function flashPasses(problem: AttentionProblem, capabilities: Capabilities): readonly WebGpuPass[] {
  const lanes = lanesOf(capabilities)
  const rowTiles = Math.ceil(problem.seqLenQ / tileRows)
  const workgroups = problem.batch * problem.numHeads * rowTiles
  const { bindings, fragments, params } = joinParts(
    queryPart(problem),
    keyPart(problem),
    valuePart(problem),
    outputPart(problem),
    lsePart(problem),
    spanPart(problem),
    maskedPart,
    scorePart(problem),
    sinkPart(problem),
    weighedPart(problem),
    paramsPart({ workgroups: u32(workgroups), heads: u32(problem.numHeads), row_tiles: u32(rowTiles) }),
  )
  return [
    {
      name: 'flash/prefill',
      source: prefill,
      bindings,
      enables: lanes.enables,
      fragments: [
        ...fragments,
        tileSource,
        products,
        stageValues,
        accumulate,
        lanes.fragment,
        lanes.isSubgroup ? rowLanesSubgroup : rowLanes,
      ],
      constants: {
        IS_WIDE: lanes.subgroupMinSize < 8 ? 1 : 0,
        GROUP: problem.group,
        QUERY_CHUNKS: Math.ceil(problem.headDim / 4),
        VALUE_TILES: Math.ceil(problem.valueDim / tileColumns),
      },
      params,
      workgroups: linearGrid(workgroups),
    },
  ]
}
