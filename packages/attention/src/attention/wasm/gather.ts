import type { ArgumentWriter, Bindings, WasmStage } from '@tessera-llm/wasm'
import { attentionSizes } from '../sizes.ts'
import { type AttentionProblem, type Gathered, lines64, writeArguments, writeStored } from './arguments.ts'

/*
 * Kernels of many rows read contiguous keys and values. If these are paged or packed, an earlier stage gathers the
 * visible ones into scratch memory, decoded: once per call, where the kernel would do it once per block of rows.
 * Results are bit-equal to those over contiguous keys.
 */

/**
 * Stages `entries`, after a gathering stage if one is needed. `perThread` is the scratch bytes per thread; `more`
 * writes what follows the common arguments.
 */
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

/** Bytes of scratch memory for gathered keys and values. */
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
