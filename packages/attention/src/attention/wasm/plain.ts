import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../../generated/attention.ts'
import { attentionOp } from '../contract.ts'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, lines64 } from './arguments.ts'
import { blockBytes } from './blocks.ts'
import { gatherBytes, stagesOver } from './gather.ts'

/** Limit for scores within a memory of 4 GiB; flash handles more. */
const mostScoreBytes = 2 ** 30

/**
 * Attention by its definition: all scores in memory (4 · B · Hq · Lq · Lkv bytes), softmax over each row, weights times
 * values.
 */
export const plainWasm: WasmKernel = defineWasmKernel(attentionOp, {
  name: 'plain',
  module: attentionModule,
  priority: 0,
  supports: (problem) =>
    scoreBytes(problem) <= mostScoreBytes ||
    `the scores take ${scoreBytes(problem)} bytes, plain keeps at most ${mostScoreBytes}; use flash`,
  stages: (problem) =>
    stagesOver(
      problem,
      blockBytes(problem),
      ['plainScores', 'plainSoftmax', 'plainValues'],
      (write, { scratch, threads }) => void write.u32(scratch + blockBytes(problem) * threads + gatherBytes(problem)),
    ),
  scratchBytes: (problem, threads) => blockBytes(problem) * threads + gatherBytes(problem) + scoreBytes(problem),
})

/** Bytes of all scores; a row has room for its last vector, as in assembly/prefill/plain.ts. */
function scoreBytes({ inputs, options }: AttentionProblem): number {
  const { batch, numHeads, seqLenQ, seqLenKv } = attentionSizes(inputs, options)
  return lines64(4 * batch * numHeads * seqLenQ * Math.floor((seqLenKv + 10) / 8) * 8)
}
