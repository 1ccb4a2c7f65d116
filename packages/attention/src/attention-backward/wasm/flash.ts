import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionSizes } from '../../attention/sizes.ts'
import { lines64 } from '../../attention/wasm/arguments.ts'
import { attentionModule } from '../../generated/attention.ts'
import { attentionBackwardOp } from '../contract.ts'
import { type BackwardProblem, backwardScratch, backwardStages } from './arguments.ts'

/** Rows per block and keys per tile, as in assembly/backward/block.ts. */
const side = 64

/**
 * Backward pass of FlashAttention-2: tiles of keys and blocks of rows. Memory grows with the length, not with its
 * square.
 */
export const flashBackwardWasm: WasmKernel = defineWasmKernel(attentionBackwardOp, {
  name: 'flash',
  module: attentionModule,
  priority: 1,
  supports: () => true,
  stages: (problem) =>
    backwardStages(problem, bytesPerThread(problem), sharesKeys(problem), [
      'backwardRows',
      'backwardTiles',
      ...(sharesKeys(problem) ? ['backwardJoin'] : []),
    ]),
  scratchBytes: (problem, threads) => backwardScratch(problem, bytesPerThread(problem), threads, sharesKeys(problem)),
})

function sharesKeys({ inputs, options }: BackwardProblem): boolean {
  const { numHeads, numKvHeads } = attentionSizes(inputs, options)
  return numHeads > numKvHeads
}

function bytesPerThread({ inputs, options }: BackwardProblem): number {
  const { headDim, valueDim } = attentionSizes(inputs, options)
  return lines64(32 + 4 * (2 * side * side + 4 * side * headDim + 4 * headDim + 3 * side * valueDim))
}
