import { TesseraError } from '@tessera-llm/tensor'
import type { RecordedStage } from './record-stages.ts'
import { workOf } from './work.ts'

/** All launches of a kernel on one kind of problem in one step of the model. */
export interface KernelProfile {
  /** `op/kernel` */
  readonly kernel: string
  /** Shape and format of the weight, or the keys; empty if launches are not distinguished. */
  readonly detail: string
  readonly launches: number
  readonly microseconds: number
  readonly bytesRead: number
  readonly flops: number
  readonly isInteger: boolean
  /** Microseconds by kernel entry. */
  readonly stages: Readonly<Record<string, number>>
}

/** One step of the model, taken apart. */
export interface Profile {
  /** Longest first. */
  readonly kernels: readonly KernelProfile[]
  /** The roof of int8 products: `dotAdd` where that is one instruction, else `dotI8` with relaxed SIMD. */
  readonly integerPeak: 'dotAdd' | 'dotI8' | 'dotI16'
  /** Stages of a step. */
  readonly stages: number
  /** Milliseconds of the fastest step as generation runs it. */
  readonly replayMs: number
  /** Milliseconds of the fastest step timed stage by stage, from its first stage to its last. */
  readonly timedReplayMs: number
}

/**
 * Sums stages by kernel and problem. `milliseconds[i]` belongs to `stages[i]`, and `keys` is how many keys are filled.
 *
 * @throws TesseraError `invalid-value` when the two lists are not of one plan
 */
export function kernelsOfStep(
  stages: readonly RecordedStage[],
  milliseconds: readonly number[],
  keys: number,
): readonly KernelProfile[] {
  if (stages.length !== milliseconds.length)
    throw new TesseraError(
      'invalid-value',
      `bench: ${milliseconds.length} times do not belong to ${stages.length} stages`,
    )
  const rows = new Map<
    string,
    { -readonly [K in keyof KernelProfile]: K extends 'stages' ? Record<string, number> : KernelProfile[K] }
  >()
  for (const [index, { kernel, entry, problem, position }] of stages.entries()) {
    const { detail, bytesRead, flops, isInteger } = workOf(problem, keys)
    const key = `${kernel} ${detail} ${isInteger}`
    const row = rows.get(key) ?? {
      kernel,
      detail,
      launches: 0,
      microseconds: 0,
      bytesRead: 0,
      flops: 0,
      isInteger,
      stages: {},
    }
    rows.set(key, row)
    const microseconds = 1000 * (milliseconds[index] as number)
    row.microseconds += microseconds
    row.stages[entry] = (row.stages[entry] ?? 0) + microseconds
    // A launch's work counts once, however many stages share it.
    if (position > 0) continue
    row.launches += 1
    row.bytesRead += bytesRead
    row.flops += flops
  }
  return [...rows.values()].sort((a, b) => b.microseconds - a.microseconds)
}
