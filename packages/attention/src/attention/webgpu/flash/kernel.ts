import { kernelAbi } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
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

/** Tiled attention with online softmax: memory grows with N, not N². 14.5 KiB of workgroup memory whatever the head size. */
export const flashWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention',
  opVersion: 1,
  name: 'flash',
  priority: () => 10,
  supports: (problem, capabilities) => fitsGpu(attentionProblem(problem), flashPasses(attentionProblem(problem)), capabilities),
  passes: (problem) => flashPasses(attentionProblem(problem)),
}

function flashPasses(problem: AttentionProblem): readonly WebGpuPass[] {
  const rowTiles = Math.ceil(problem.seqLenQ / tileRows)
  const workgroups = problem.batch * problem.numHeads * rowTiles
  const { bindings, fragments, params } = joinParts(
    queryPart(problem), keyPart(problem), valuePart(problem), outputPart(problem), lsePart(problem),
    spanPart(problem), maskedPart, scorePart(problem), sinkPart(problem), weighedPart(problem),
    paramsPart({ workgroups: u32(workgroups), heads: u32(problem.numHeads), row_tiles: u32(rowTiles) }),
  )
  return [{
    name: 'flash/prefill',
    source: prefill,
    bindings,
    fragments: [...fragments, tileSource, products, stageValues, accumulate],
    constants: { GROUP: problem.group, QUERY_CHUNKS: Math.ceil(problem.headDim / 4), VALUE_TILES: Math.ceil(problem.valueDim / tileColumns) },
    params,
    workgroups: linearGrid(workgroups),
  }]
}
