import type { ArgumentWriter, Bindings, WasmStage } from '@tessera-llm/wasm'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, type Gathered, lines64, writeArguments, writeStored } from './arguments.ts'

/*
 * Kernels for many rows read keys and values that lie next to each other. Where they lie in pages or are packed, a stage before theirs lays
 * the visible ones out in scratch memory, decoded: once a call, where the kernel itself would do it once for each block of rows. The kernel then does what
 * it does for contiguous keys, so that its results are equal to the bit.
 */

/** The stages `entries`, after a gathering one where it is needed. `perThread` are the bytes of scratch memory of a thread; `more` writes what comes after the common arguments. */
export function stagesOver(
  problem: AttentionProblem,
  perThread: number,
  entries: readonly string[],
  more: (write: ArgumentWriter, at: Bindings) => void = () => {},
): readonly WasmStage[] {
  const stages = (gatheredIn?: (at: Bindings) => Gathered): readonly WasmStage[] =>
    entries.map((entry) => ({
      entry,
      args(write, at) {
        writeArguments(problem, perThread, write, at, gatheredIn?.(at))
        more(write, at)
      },
    }))
  if (!needsGather(problem)) return stages()
  const gathered = (at: Bindings): Gathered => gatheredAt(problem, at.scratch + perThread * at.threads)
  return [
    {
      entry: 'gatherKeys',
      args(write: ArgumentWriter, at: Bindings) {
        writeArguments(problem, perThread, write, at)
        writeStored(problem, write, at, gathered(at))
      },
    },
    ...stages(gathered),
  ]
}

/** Bytes of scratch memory that gathering takes. */
export function gatherBytes(problem: AttentionProblem): number {
  if (!needsGather(problem)) return 0
  const { batch } = attentionSizes(problem.inputs, problem.options)
  return gatheredAt(problem, 0).lengths + lines64(4 * batch)
}

function needsGather({ inputs }: AttentionProblem): boolean {
  return inputs.blockTable !== undefined || inputs.k.kind === 'packed' || inputs.v.kind === 'packed'
}

function gatheredAt(problem: AttentionProblem, k: number): Gathered {
  const { batch, numKvHeads, seqLenKv, headDim, valueDim } = attentionSizes(problem.inputs, problem.options)
  const rows = batch * numKvHeads * seqLenKv
  const v = k + lines64(rows * headDim * bytesOf(problem, 'k'))
  return { k, v, lengths: v + lines64(rows * valueDim * bytesOf(problem, 'v')) }
}

function bytesOf({ inputs }: AttentionProblem, name: 'k' | 'v'): number {
  const spec = inputs[name]
  return spec.kind === 'dense' && spec.dtype === 'f16' ? 2 : 4
}
