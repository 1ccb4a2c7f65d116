/** The process as seen by the program; tests pass their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined
    readonly columns?: number | undefined
  }
  /** Calls `listener` on Ctrl-C; returns a function that removes it. */
  onInterrupt(listener: () => void): () => void
}

/**
 * Streams and signals of this process. The second Ctrl-C ends the process at once, for computations that do not yield.
 */
export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    onInterrupt(listener) {
      let asked = false
      const interrupt = (): void => {
        if (asked) process.exit(130)
        asked = true
        listener()
      }
      process.on('SIGINT', interrupt)
      return () => void process.off('SIGINT', interrupt)
    },
  }
}
