import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../../generated/attention.ts'
import { attentionOp } from '../contract.ts'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, lines64 } from './arguments.ts'
import { gatherBytes, stagesOver } from './gather.ts'

/** Keys in a tile, as in assembly/tiles.ts. */
const tileKeys = 64

/** FlashAttention: tiles of keys, a running softmax, memory that does not grow with the sequence. */
export const flashWasm: WasmKernel = defineWasmKernel(attentionOp, {
  name: 'flash',
  module: attentionModule,
  priority: 1,
  supports: () => true,
  stages: (problem) => stagesOver(problem, bytesPerThread(problem), 'flash'),
  scratchBytes: (problem, threads) => bytesPerThread(problem) * threads + gatherBytes(problem),
})

function bytesPerThread({ inputs, options }: AttentionProblem): number {
  const { numHeads, numKvHeads, headDim, valueDim } = attentionSizes(inputs, options)
  const group = numHeads / numKvHeads
  const lines = group * Math.max(4, Math.floor(64 / group / 4) * 4)
  return lines64(32 + 4 * (lines * (4 + headDim + valueDim) + tileKeys * (4 + headDim + valueDim)))
}
