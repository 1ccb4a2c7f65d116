import { TesseraError } from '@tessera-llm/tensor'

/** Lets one asynchronous call at a time use a resource, which is freed only when none does. */
export interface Exclusion {
  /**
   * Runs `work`.
   *
   * @throws TesseraError `invalid-option` while another call has not ended, and `disposed` after `dispose`
   */
  run<T>(call: string, work: () => Promise<T>): Promise<T>
  /** Throws like `run`, for a synchronous call. */
  checkIdle(call: string): void
  /** Throws `disposed` after `dispose`: for a call that resumes after a pause. */
  checkOpen(): void
  /** Frees the resource now, or as soon as the running call has ended. */
  dispose(): void
}

export function createExclusion(name: string, free: () => void): Exclusion {
  let running: string | undefined
  let isDisposed = false
  const checkOpen = (): void => {
    if (isDisposed) throw new TesseraError('disposed', `${name}: it was disposed; create another one`)
  }
  const checkIdle = (call: string): void => {
    checkOpen()
    if (running !== undefined)
      throw new TesseraError(
        'invalid-option',
        `${name}: ${call} was called before ${running} had ended; await one call before the next, or use a ${name} for each`,
      )
  }
  return {
    async run(call, work) {
      checkIdle(call)
      running = call
      try {
        return await work()
      } finally {
        running = undefined
        if (isDisposed) free()
      }
    },
    checkIdle,
    checkOpen,
    dispose() {
      if (isDisposed) return
      isDisposed = true
      if (running === undefined) free()
    },
  }
}
