/** What the demo stands on; tests pass their own. */
export interface Io {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined }
  readonly stderr: NodeJS.WritableStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls `listener` on Ctrl-C; returns how to stop listening. */
  onInterrupt(listener: () => void): () => void
}

/** The process's own. The second Ctrl-C ends the process at once, for the case that a computation does not yield. */
export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
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
