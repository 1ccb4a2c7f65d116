import { TesseraError } from '@tessera-llm/tensor'
import type { ByteSource } from './source.ts'
import { checkRead } from './source.ts'

/** Source over a `Blob` or `File` (a page's file input); each read returns its own copy. */
export function blobSource(blob: Blob, name?: string): ByteSource {
  const label = name ?? (typeof File !== 'undefined' && blob instanceof File ? blob.name : 'blob')
  return {
    size: blob.size,
    name: label,
    async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
      checkRead({ name: label, size: blob.size }, offset, length, signal)
      let bytes: ArrayBuffer
      try {
        bytes = await blob.slice(offset, offset + length).arrayBuffer()
      } catch (cause) {
        throw new TesseraError(
          'io',
          `read: ${label} could not be read at byte ${offset}; was the file moved or changed after it was chosen?`,
          { cause },
        )
      }
      return new Uint8Array(bytes)
    },
    async close(): Promise<void> {},
  }
}
