/** Where a file is written to, front to back. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>
  /** Makes what was written the file. Nothing of it is visible before. */
  finish(): Promise<void>
  /** Throws away what was written. Does nothing after `finish`. */
  abort(): Promise<void>
}
