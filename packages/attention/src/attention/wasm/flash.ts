import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../../generated/attention.ts'
import { attentionOp } from '../contract.ts'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, lines64 } from './arguments.ts'
import { gatherBytes, stagesOver } from './gather.ts'

/** Query rows of one head in a block and keys in a tile, as in assembly/flash.ts. */
const blockRows = 16
const tileKeys = 64

/** FlashAttention: tiles of keys, a running softmax, memory that does not grow with the sequence. */
export const flashWasm: WasmKernel = defineWasmKernel(attentionOp, {
  name: 'flash',
  module: attentionModule,
  priority: 1,
  supports: ({ inputs }) => inputs.cuSeqLens === undefined || 'packed sequences (cuSeqLens) are for plain',
  stages: (problem) => stagesOver(problem, bytesPerThread(problem), 'flash'),
  scratchBytes: (problem, threads) => bytesPerThread(problem) * threads + gatherBytes(problem),
})

function bytesPerThread({ inputs, options }: AttentionProblem): number {
  const { numHeads, numKvHeads, headDim, valueDim } = attentionSizes(inputs, options)
  const lines = Math.ceil(((numHeads / numKvHeads) * blockRows) / 4) * 4
  return lines64(4 * (lines * (headDim + tileKeys + valueDim + 2) + tileKeys * (headDim + valueDim)))
}
