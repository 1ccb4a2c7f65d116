/** What a command line program stands on; tests pass their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined
    readonly columns?: number | undefined
  }
  /** Calls `listener` on Ctrl-C; returns how to stop listening. */
  onInterrupt(listener: () => void): () => void
}

/** The process's own. The second Ctrl-C ends the process at once, for the case that a computation does not yield. */
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
