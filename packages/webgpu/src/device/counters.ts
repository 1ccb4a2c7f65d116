/**
 * Counts of what the device did since its creation. A replayed plan changes only `submits`, `passes`, `dispatches` and
 * the byte counts.
 */
export interface WebGpuCounters {
  readonly buffersCreated: number
  readonly bindGroupsCreated: number
  readonly pipelinesCreated: number
  readonly submits: number
  readonly passes: number
  readonly dispatches: number
  readonly bytesWritten: number
  readonly bytesRead: number
}

export type MutableCounters = { -readonly [K in keyof WebGpuCounters]: WebGpuCounters[K] }

export function createCounters(): MutableCounters {
  return {
    buffersCreated: 0,
    bindGroupsCreated: 0,
    pipelinesCreated: 0,
    submits: 0,
    passes: 0,
    dispatches: 0,
    bytesWritten: 0,
    bytesRead: 0,
  }
}
