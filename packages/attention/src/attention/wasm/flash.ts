import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../../generated/attention.ts'
import { attentionOp } from '../contract.ts'
import { blockBytes } from './blocks.ts'
import { gatherBytes, stagesOver } from './gather.ts'

/** FlashAttention: tiles of keys and a running softmax. Memory does not grow with the sequence. */
export const flashWasm: WasmKernel = defineWasmKernel(attentionOp, {
  name: 'flash',
  module: attentionModule,
  priority: 1,
  supports: () => true,
  stages: (problem) => stagesOver(problem, blockBytes(problem), ['flash']),
  scratchBytes: (problem, threads) => blockBytes(problem) * threads + gatherBytes(problem),
})
