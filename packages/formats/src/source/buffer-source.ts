import type { ByteSource } from './source.ts'
import { checkRead } from './source.ts'

/** Source over bytes in memory. Reads return views of `bytes`, not copies. */
export function bufferSource(bytes: Uint8Array, name = 'buffer'): ByteSource {
  return {
    size: bytes.byteLength,
    name,
    async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
      checkRead({ name, size: bytes.byteLength }, offset, length, signal)
      return bytes.subarray(offset, offset + length)
    },
    async close(): Promise<void> {},
  }
}
