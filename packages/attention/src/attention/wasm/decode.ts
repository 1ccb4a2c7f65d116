import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../../generated/attention.ts'
import { attentionOp } from '../contract.ts'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, lines64, writeArguments, writeStored } from './arguments.ts'

/** Keys per split, as in assembly/decode/splits.ts. */
const splitKeys = 128
/** Keys read together, from one page. */
const keysAtOnce = 16
/** With more query rows, flash tiles use the keys better. */
const mostRows = 4

/** Decode: keys are split, a split serves a whole group of query heads, and a second stage joins the splits. */
export const decodeWasm: WasmKernel = defineWasmKernel(attentionOp, {
  name: 'decode',
  module: attentionModule,
  priority: 2,
  supports({ inputs, options }) {
    const { seqLenQ, pageRows } = attentionSizes(inputs, options)
    if (seqLenQ > mostRows) return `${seqLenQ} query rows are for flash; decode takes up to ${mostRows}`
    if (inputs.cuSeqLens) return 'packed sequences (cuSeqLens) are for flash'
    if (pageRows % keysAtOnce !== 0)
      return `pages of ${pageRows} rows are for flash; decode takes multiples of ${keysAtOnce}`
    return (inputs.bias ?? inputs.mask) === undefined || 'bias and mask are for flash and plain'
  },
  stages(problem, { dotAdd }) {
    // One row of one head gains nothing from bytes: too few sums are under way.
    const bytes = linesOf(problem) < 2 || dotAdd === undefined ? 0 : dotAdd === 'unsigned' ? 1 : 2
    const args = (write: ArgumentWriter, at: Bindings): void => {
      writeArguments(problem, bytesPerThread(problem), write, at)
      writeStored(problem, write, at)
      write.u32(bytes)
    }
    return [
      { entry: 'decodeSplits', args },
      { entry: 'decodeJoin', args },
    ]
  },
  scratchBytes(problem, threads) {
    const { batch, numKvHeads, seqLenKv, pages, valueDim } = attentionSizes(problem.inputs, problem.options)
    // Splits start at multiples of their length; the keys of a ring do not.
    const splits = Math.ceil(seqLenKv / splitKeys) + (pages > 0 ? 1 : 0)
    return bytesPerThread(problem) * threads + batch * numKvHeads * splits * linesOf(problem) * (valueDim + 4) * 4
  },
})

/** Query rows that share a KV head. */
function linesOf({ inputs, options }: AttentionProblem): number {
  const { numHeads, numKvHeads, seqLenQ } = attentionSizes(inputs, options)
  return (numHeads / numKvHeads) * seqLenQ
}

/**
 * Bytes of scores, scaled queries, sums of four rows with f16 keys (assembly/decode/score-columns.ts), and the further
 * memory of assembly/packed/memory.ts.
 */
function bytesPerThread(problem: AttentionProblem): number {
  const lines = linesOf(problem)
  const { inputs, options } = problem
  const { headDim, valueDim } = attentionSizes(inputs, options)
  const sums = inputs.k.kind === 'dense' && inputs.k.dtype === 'f16' && lines > 2 ? splitKeys * 64 : 0
  const dense = lines64(lines * (splitKeys + headDim) * 4 + sums)
  if (inputs.k.kind === 'dense' && inputs.v.kind === 'dense') return dense
  const widest = Math.max(headDim, valueDim)
  return Math.max(
    dense,
    lines64(
      lines * (splitKeys * 4 + headDim * 4 + 2 * Math.max(headDim + 16, splitKeys) + 8) +
        12 * (Math.max(widest, splitKeys) + 32) +
        16 +
        4 * keysAtOnce * widest,
    ),
  )
}
