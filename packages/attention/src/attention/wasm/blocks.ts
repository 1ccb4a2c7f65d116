import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, lines64 } from './arguments.ts'

/** Keys per tile, as in assembly/tiles.ts. */
const tileKeys = 64

/**
 * Scratch bytes of a thread that works on a block of about 64 lines and a tile of keys, laid out as in
 * assembly/prefill/flash.ts.
 */
export function blockBytes({ inputs, options }: AttentionProblem): number {
  const { numHeads, numKvHeads, headDim, valueDim } = attentionSizes(inputs, options)
  const group = numHeads / numKvHeads
  const lines = group * Math.max(4, Math.floor(64 / group / 4) * 4)
  return lines64(32 + 4 * (lines * (4 + headDim + valueDim) + tileKeys * (4 + headDim + valueDim)))
}
