import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionSizes } from '../../attention/sizes.ts'
import { lines64 } from '../../attention/wasm/arguments.ts'
import { attentionModule } from '../../generated/attention.ts'
import { attentionBackwardOp } from '../contract.ts'
import { type BackwardProblem, backwardScratch, backwardStages } from './arguments.ts'

/** Rows of a block and keys of a tile, as in assembly/backward.ts. */
const side = 64

/** The backward pass of FlashAttention-2: tiles of keys and blocks of rows, memory that grows with the length and not with its square. */
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
