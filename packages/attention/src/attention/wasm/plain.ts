import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../../generated/attention.ts'
import { attentionOp } from '../contract.ts'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, lines64 } from './arguments.ts'
import { gatherBytes, stagesOver } from './gather.ts'

/** All scores of a row at once. Takes every option; flash is compared with it. */
export const plainWasm: WasmKernel = defineWasmKernel(attentionOp, {
  name: 'plain',
  module: attentionModule,
  priority: 0,
  supports: () => true,
  stages: (problem) => stagesOver(problem, bytesPerThread(problem), 'plain'),
  scratchBytes: (problem, threads) => bytesPerThread(problem) * threads + gatherBytes(problem),
})

function bytesPerThread({ inputs, options }: AttentionProblem): number {
  return lines64((attentionSizes(inputs, options).seqLenKv + 4) * 4)
}
