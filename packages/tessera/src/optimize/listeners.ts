/** Progress of a long operation. */
export interface OptimizeProgress {
  readonly phase: OptimizePhase
  /** In the unit of `total`; nearly proportional to time within a phase. */
  readonly done: number
  readonly total: number
}

/** Phase of a long operation, as shown to people. */
export type OptimizePhase =
  | 'downloading'
  | 'calibrating heads'
  | 'measuring what each weight is worth'
  | 'comparing whole models'
  | 'optimizing'
  | 'measuring'
  | 'embedding'

/** Callbacks and abort signal of a long operation. */
export interface Listeners {
  readonly onProgress?: ((progress: OptimizeProgress) => void) | undefined
  /** Receives a line for people. */
  readonly onNote?: ((line: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}
