/** Destination of a file that is written front to back. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>
  /** Publishes the file; nothing of it is visible before. */
  finish(): Promise<void>
  /** Discards what was written. Does nothing after `finish`. */
  abort(): Promise<void>
}
