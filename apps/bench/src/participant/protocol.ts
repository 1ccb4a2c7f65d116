import type { Profile } from '../profile/index.ts'
import type { Workload } from '../workload/index.ts'

/** What a participant says of itself once it is ready: versions and the settings that decide its speed. */
export interface Description {
  readonly version: string
  readonly settings: Readonly<Record<string, string | number | boolean>>
}

/** One round: a figure per metric of the workload, and what was computed, for comparing answers. */
export interface Sample {
  readonly figures: Readonly<Record<string, number>>
  /** Token ids that were generated, or a few elements of the product. */
  readonly answer?: readonly number[]
  /** Where the time of a step goes. */
  readonly profile?: Profile
}

/** What a child process does. `prepare` comes once, then `measure` for each round, then `close`. */
export interface Participant {
  prepare(workload: Workload): Promise<Description>
  measure(): Promise<Sample>
  close(): Promise<void>
}

/** One line of JSON on the child's standard input. */
export type Request =
  | { readonly id: number; readonly call: 'prepare'; readonly workload: Workload }
  | { readonly id: number; readonly call: 'measure' | 'close' }

/** One line of JSON on the child's standard output; lines that do not parse as one are the participant's own chatter. */
export type Reply =
  | { readonly id: number; readonly result: Description | Sample | null }
  | { readonly id: number; readonly error: string; readonly isUnavailable: boolean }

/** A participant is not installed here, or does not do what the workload asks: shown with its reason, and no failure of the run. */
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
