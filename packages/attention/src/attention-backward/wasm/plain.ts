import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionSizes } from '../../attention/sizes.ts'
import { lines64 } from '../../attention/wasm/arguments.ts'
import { attentionModule } from '../../generated/attention.ts'
import { attentionBackwardOp } from '../contract.ts'
import { type BackwardProblem, backwardScratch, backwardStages } from './arguments.ts'

/** Row by row, with all scores of a row at once. Supports every option; tests compare flash with it. */
export const plainBackwardWasm: WasmKernel = defineWasmKernel(attentionBackwardOp, {
  name: 'plain',
  module: attentionModule,
  priority: 0,
  supports: () => true,
  stages: (problem) => backwardStages(problem, bytesPerThread(problem), false, ['backwardRows', 'backwardPlain']),
  scratchBytes: (problem, threads) => backwardScratch(problem, bytesPerThread(problem), threads, false),
})

function bytesPerThread({ inputs, options }: BackwardProblem): number {
  return lines64(32 + 2 * 4 * (attentionSizes(inputs, options).seqLenKv + 4))
}
