/** Interface to the process; tests pass their own. */
export interface Io {
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined
    readonly columns?: number | undefined
  }
  readonly stderr: NodeJS.WritableStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls `listener` on Ctrl-C; returns a function that stops listening. */
  onInterrupt(listener: () => void): () => void
}

/**
 * Window in which a repeated Ctrl-C counts once, in ms: a parent program may forward one that the terminal sent to
 * both.
 */
const sameInterruptMs = 300

/** The real process. A second Ctrl-C exits at once, in case a computation does not yield. */
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
