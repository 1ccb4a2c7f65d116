import { kernelAbi } from '@tessera-llm/tensor'
import { linearGrid, webgpuCapabilities, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { joinParts, paramsPart, type Part, u32 } from '../../../webgpu-part/index.ts'
import { type AttentionProblem, attentionProblem, fitsGpu } from '../problem.ts'
import { maskedPart, scorePart, sinkPart, spanPart, weighedPart } from '../score/score.ts'
import { keyPart, lsePart, outputPart, queryPart, valuePart } from '../tensors.ts'
import { tileColumns, tileRows } from '../tile/tile.ts'
import accumulate from '../tile/accumulate.wgsl'
import products from '../tile/products.wgsl'
import stageValues from '../tile/stage-values.wgsl'
import tileSource from '../tile/tile.wgsl'
import scoresSource from './scores.wgsl'
import softmaxSource from './softmax.wgsl'
import valuesSource from './values.wgsl'

/**
 * Attention by its definition: all scores in memory (4 · B · Hq · Lq · Lkv bytes), softmax over each row, weights times
 * values.
 */
export const plainWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention',
  opVersion: 1,
  name: 'plain',
  supports(problem, capabilities) {
    const attention = attentionProblem(problem)
    if (attention.pages > 0)
      return 'has a column of scores for each key, and a block table sets no limit to keys; use flash or decode'
    const { maxBufferSize, maxStorageBufferBindingSize } = webgpuCapabilities(capabilities).limits
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize)
    if (scoreBytes(attention) > limit)
      return `the scores take ${scoreBytes(attention)} bytes, this GPU binds at most ${limit}`
    return fitsGpu(attention, plainPasses(attention), capabilities)
  },
  passes: (problem) => plainPasses(attentionProblem(problem)),
  temporaries: (problem) => ({ scores: scoreBytes(attentionProblem(problem)) }),
}

function scoreBytes({ batch, numHeads, seqLenQ, seqLenKv }: AttentionProblem): number {
  return 4 * batch * numHeads * seqLenQ * seqLenKv
}

function plainPasses(problem: AttentionProblem): readonly WebGpuPass[] {
  const { batch, numHeads, seqLenQ, seqLenKv, headDim, valueDim, group } = problem
  const rowTiles = Math.ceil(seqLenQ / tileRows)
  const keyTiles = Math.ceil(seqLenKv / tileRows)
  const valueTiles = Math.ceil(valueDim / tileColumns)
  const pass = (
    name: string,
    source: string,
    workgroups: number,
    parts: readonly Part[],
    tiles: readonly string[],
    constants: WebGpuPass['constants'],
  ): WebGpuPass => {
    const { bindings, fragments, params } = joinParts(
      ...parts,
      paramsPart({
        workgroups: u32(workgroups),
        heads: u32(numHeads),
        row_tiles: u32(rowTiles),
        key_tiles: u32(keyTiles),
        value_tiles: u32(valueTiles),
      }),
    )
    return {
      name: `plain/${name}`,
      source,
      bindings: [
        ...bindings,
        { name: 'scores', tensor: 'scores', access: name === 'values' ? 'read' : 'read_write', type: 'array<f32>' },
      ],
      fragments: [
        ...fragments,
        'fn score_at(batch: u32, head: u32, row: u32) -> u32 { return ((batch * params.heads + head) * params.seq_q + row) * params.seq_kv; }',
        ...tiles,
      ],
      ...(constants && { constants }),
      params,
      workgroups: linearGrid(workgroups),
    }
  }
  const span = spanPart(problem)
  return [
    pass(
      'scores',
      scoresSource,
      batch * numHeads * rowTiles * keyTiles,
      [queryPart(problem), keyPart(problem), span, maskedPart, scorePart(problem)],
      [tileSource, products],
      { GROUP: group, QUERY_CHUNKS: Math.ceil(headDim / 4) },
    ),
    pass(
      'softmax',
      softmaxSource,
      batch * numHeads * seqLenQ,
      [span, maskedPart, sinkPart(problem), lsePart(problem)],
      [],
      undefined,
    ),
    pass(
      'values',
      valuesSource,
      batch * numHeads * rowTiles * valueTiles,
      [valuePart(problem), outputPart(problem), span, weighedPart(problem)],
      [tileSource, stageValues, accumulate],
      { GROUP: group },
    ),
  ]
}
