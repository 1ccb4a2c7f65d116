import { kernelAbi } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { joinParts, paramsPart, u32 } from '../../../webgpu-part/index.ts'
import { type AttentionProblem, attentionProblem, fitsGpu, hidesKeys } from '../problem.ts'
import { maskedPart, scorePart, sinkPart, spanPart } from '../score/score.ts'
import { keyPart, lsePart, outputPart, queryPart, valuePart } from '../tensors.ts'
import { type MatrixPlan, matrixPlan } from './plan.ts'
import prefill from './prefill.wgsl'
import stage from './stage.wgsl'

/** `flash` with subgroup matrix products, where the GPU offers them and they passed the device's self-test. */
export const flashMatrixWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention',
  opVersion: 1,
  name: 'flash-matrix',
  // A tile takes as long for one row as for all of its rows.
  priority: (problem) => (attentionProblem(problem).seqLenQ >= 16 ? 15 : 5),
  supports(problem, capabilities) {
    const attention = attentionProblem(problem)
    const plan = matrixPlan(attention, capabilities)
    return typeof plan === 'string' ? plan : fitsGpu(attention, [matrixPass(attention, plan)], capabilities)
  },
  passes(problem, capabilities) {
    const attention = attentionProblem(problem)
    const plan = matrixPlan(attention, capabilities)
    return typeof plan === 'string' ? [] : [matrixPass(attention, plan)]
  },
}

function matrixPass(
  problem: AttentionProblem,
  { matrices, tile, strips, columns, stripsEach, components, results }: MatrixPlan,
): WebGpuPass {
  const rowTiles = Math.ceil(problem.seqLenQ / tile)
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
    paramsPart({ workgroups: u32(workgroups), heads: u32(problem.numHeads), row_tiles: u32(rowTiles) }),
  )
  return {
    name: 'flash-matrix/prefill',
    source: prefill,
    bindings,
    enables: matrices.enables,
    aliases: matrices.aliases,
    fragments: [...fragments, ...matrices.fragments, stage],
    constants: {
      ...matrices.constants,
      COMPONENTS: components,
      RESULTS: results,
      TILE: tile,
      COLUMNS: columns,
      STRIPS: strips,
      STRIPS_EACH: stripsEach,
      GROUP: problem.group,
      HIDES_KEYS: hidesKeys(problem) ? 1 : 0,
      QUERY_CHUNKS: Math.ceil(problem.headDim / 4),
      QUERY_STEPS: Math.ceil(problem.headDim / matrices.K),
      VALUE_MATRICES: Math.ceil(problem.valueDim / matrices.N),
    },
    params,
    workgroups: linearGrid(workgroups),
  }
}
