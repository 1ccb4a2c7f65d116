/** Time of one stage, all threads included. */
export interface StageTime {
  /** `op/kernel/entry`. */
  readonly label: string
  readonly milliseconds: number
}

export interface Stopwatch {
  readonly times: readonly StageTime[]
  measure(label: string, stage: () => void): void
}

export function createStopwatch(): Stopwatch {
  const times: StageTime[] = []
  return {
    times,
    measure(label, stage) {
      const before = performance.now()
      stage()
      times.push({ label, milliseconds: performance.now() - before })
    },
  }
}
