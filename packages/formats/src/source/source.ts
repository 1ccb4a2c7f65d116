import { TesseraError } from '@tessera-llm/tensor'

/**
 * Bytes that are read by position: a file, a `Blob`, a URL or a buffer. Reads on demand; no implementation keeps a copy
 * of the whole.
 */
export interface ByteSource {
  /** Total length in bytes. */
  readonly size: number
  /** For messages: a path, a URL, the name of a `File`. */
  readonly name: string
  /**
   * Reads exactly `length` bytes from `offset`. The result may share memory with the source: treat it as read-only.
   * Throws `invalid-value` for a range outside the source, `aborted` after `signal`, `io` or `network` if reading
   * fails.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * Fills `target`, which may be shared memory, from `offset` on, without allocating. Absent if it saves nothing over
   * `read`.
   */
  readInto?(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Throws unless `[offset, offset + length)` is inside a source of `size` bytes, and if `signal` is aborted. */
export function checkRead(
  source: { readonly name: string; readonly size: number },
  offset: number,
  length: number,
  signal?: AbortSignal,
): void {
  if (signal?.aborted === true) throw abortedError(source.name, signal)
  const valid =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= source.size
  if (!valid) {
    throw new TesseraError(
      'invalid-value',
      `read: bytes ${offset} to ${offset + length} are outside ${source.name}, which has ${source.size} bytes`,
    )
  }
}

export function abortedError(name: string, signal: AbortSignal): TesseraError {
  return new TesseraError('aborted', `read: reading ${name} was aborted`, { cause: signal.reason })
}

/** Allocates memory for a read; throws `out-of-memory` if there is no contiguous block of that size. */
export function allocate(name: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw new TesseraError(
      'out-of-memory',
      `read: no ${length} bytes of memory for one read of ${name}; read it in ranges`,
      { cause },
    )
  }
}
