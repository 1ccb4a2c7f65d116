import type { Problem } from '@tessera-llm/tensor'
import type { ArgumentWriter, Bindings, WasmStage } from '@tessera-llm/wasm'
import type { AttentionOptions } from '../../attention/contract.ts'
import { type AttentionSizes, attentionSizes } from '../../attention/sizes.ts'
import { lines64, writeArguments } from '../../attention/wasm/arguments.ts'
import type { AttentionBackwardInputs, AttentionBackwardOutputs } from '../contract.ts'

export type BackwardProblem = Problem<AttentionBackwardInputs, AttentionBackwardOutputs, AttentionOptions>

/** Rows that share a word, as in assembly/backward/rows.ts. */
const rowBlock = 64

/**
 * Memory shared by all threads: two numbers per row, a word per 64 rows, and gradients of keys per head if heads share
 * keys (`byHead`).
 */
function sharedMemory({ batch, numHeads, seqLenQ, seqLenKv, headDim, valueDim }: AttentionSizes, byHead: boolean) {
  const rows = lines64(4 * batch * numHeads * seqLenQ)
  const parts = byHead ? 4 * batch * numHeads * seqLenKv : 0
  const reduced = rows
  const uneven = reduced + rows
  const partK = uneven + lines64(4 * batch * numHeads * Math.ceil(seqLenQ / rowBlock))
  const partV = partK + lines64(parts * headDim)
  return { subtracted: 0, reduced, uneven, partK, partV, bytes: partV + lines64(parts * valueDim) }
}

export function backwardScratch(problem: BackwardProblem, perThread: number, threads: number, byHead: boolean): number {
  return perThread * threads + sharedMemory(attentionSizes(problem.inputs, problem.options), byHead).bytes
}

/**
 * Stages `entries`, whose argument block is that of assembly/call.ts followed by that of assembly/backward/rows.ts;
 * with a last stage for sinks.
 */
export function backwardStages(
  problem: BackwardProblem,
  perThread: number,
  byHead: boolean,
  entries: readonly string[],
): readonly WasmStage[] {
  const { inputs, outputs, options } = problem
  // The argument block of the forward pass, with its results as outputs.
  const forward = {
    op: 'attention',
    inputs,
    outputs: { o: { ...inputs.o }, lse: { ...inputs.lse } },
    options,
  } as unknown as Parameters<typeof writeArguments>[0]
  const memory = sharedMemory(attentionSizes(inputs, options), byHead)
  const args = (write: ArgumentWriter, at: Bindings): void => {
    const shared = at.scratch + perThread * at.threads
    writeArguments(forward, perThread, write, at)
    write
      .u32(at.address('do'))
      .u32(inputs.dlse ? at.address('dlse') : 0)
      .u32(at.address('dq'))
      .u32(at.address('dk'))
      .u32(at.address('dv'))
      .u32(outputs.dsinks ? at.address('dsinks') : 0)
    write
      .u32(shared + memory.subtracted)
      .u32(shared + memory.reduced)
      .u32(shared + memory.uneven)
    write.u32(byHead ? shared + memory.partK : 0).u32(byHead ? shared + memory.partV : 0)
  }
  return [...entries, ...(outputs.dsinks ? ['backwardSinks'] : [])].map((entry) => ({ entry, args }))
}
