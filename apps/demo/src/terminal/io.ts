/** What the demo stands on; tests pass their own. */
export interface Io {
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined
    readonly columns?: number | undefined
  }
  readonly stderr: NodeJS.WritableStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls `listener` on Ctrl-C; returns how to stop listening. */
  onInterrupt(listener: () => void): () => void
}

/** A program that started this one may pass on the Ctrl-C that the terminal gave to both. */
const sameInterruptMs = 300

/** The process's own. The second Ctrl-C ends the process at once, for the case that a computation does not yield. */
export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onInterrupt(listener) {
      let askedAt: number | undefined
      const interrupt = (): void => {
        if (askedAt !== undefined && performance.now() - askedAt > sameInterruptMs) process.exit(130)
        if (askedAt !== undefined) return
        askedAt = performance.now()
        listener()
      }
      process.on('SIGINT', interrupt)
      return () => void process.off('SIGINT', interrupt)
    },
  }
}
