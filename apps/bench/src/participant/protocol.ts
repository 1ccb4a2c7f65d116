import type { Profile } from '../profile/index.ts'
import type { Workload } from '../workload/index.ts'

/** A participant's self-description once it is ready: versions, and the settings that determine its speed. */
export interface Description {
  readonly version: string
  readonly settings: Readonly<Record<string, string | number | boolean>>
}

/** One round: a figure per metric of the workload, and the result, to compare answers. */
export interface Sample {
  readonly figures: Readonly<Record<string, number>>
  /** Generated token ids, or a few elements of the product. */
  readonly answer?: readonly number[]
  /** Time of a step by kernel. */
  readonly profile?: Profile
}

/** Functions of a child process. `prepare` is called once, then `measure` per round, then `close`. */
export interface Participant {
  prepare(workload: Workload): Promise<Description>
  measure(): Promise<Sample>
  close(): Promise<void>
}

/** One line of JSON on the child's standard input. */
export type Request =
  | { readonly id: number; readonly call: 'prepare'; readonly workload: Workload }
  | { readonly id: number; readonly call: 'measure' | 'close' }

/** One line of JSON on the child's standard output; other lines are the participant's own output. */
export type Reply =
  | { readonly id: number; readonly result: Description | Sample | null }
  | { readonly id: number; readonly error: string; readonly isUnavailable: boolean }

/**
 * Thrown if a participant is not installed here or does not support the workload: shown with its reason, and not a
 * failure of the run.
 */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
}

export function parseReply(line: string): Reply | undefined {
  if (!line.startsWith('{"id":')) return undefined
  try {
    return JSON.parse(line) as Reply
  } catch {
    return undefined
  }
}
