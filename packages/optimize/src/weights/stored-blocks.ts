/** A weight's rows in ggml's blocks. */
export interface StoredBlocks {
  /** Id of the ggml type. */
  readonly format: string
  readonly bytes: Uint8Array
}

/** Reads the blocks whose values a weight has. */
export type ReadBlocks = (signal?: AbortSignal) => Promise<StoredBlocks>

/** Beside tensors and not in them: one that is spread into another, whose values may be others, leaves them behind. */
const readers = new WeakMap<object, ReadBlocks>()

/** A tensor or weight whose values are those of the blocks that `read` reads. */
export function withBlocks<T extends object>(of: T, read: ReadBlocks | undefined): T {
  if (read) readers.set(of, read)
  return of
}

/** Reads the blocks that `withBlocks` gave; undefined where there are none. */
export function blocksReader(of: object): ReadBlocks | undefined {
  return readers.get(of)
}
