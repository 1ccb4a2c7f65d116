import type { ByteSource } from '../src/source/source.ts'

export interface CountingSource extends ByteSource {
  /** Bytes read so far, and the longest single read. */
  readonly total: () => number
  readonly longest: () => number
}

/** Source of `head` followed by zeros up to `size`: a file of any length that takes no memory. Counts what is read. */
export function countingSource(head: Uint8Array, size: number = head.length): CountingSource {
  let total = 0
  let longest = 0
  return {
    size,
    name: 'counting',
    total: () => total,
    longest: () => longest,
    async read(offset: number, length: number): Promise<Uint8Array> {
      if (offset + length > size) throw new Error(`read beyond the end: ${offset} + ${length} of ${size}`)
      total += length
      longest = Math.max(longest, length)
      const bytes = new Uint8Array(length)
      if (offset < head.length) bytes.set(head.subarray(offset, offset + length))
      return bytes
    },
    async close(): Promise<void> {},
  }
}
