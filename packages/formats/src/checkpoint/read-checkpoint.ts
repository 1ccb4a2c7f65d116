import { TesseraError } from '@tessera-llm/tensor'
import { ggufMagic } from '../gguf/metadata.ts'
import { readGguf } from '../gguf/read-gguf.ts'
import { readSafetensors } from '../safetensors/read-safetensors.ts'
import type { ByteSource } from '../source/source.ts'
import type { Checkpoint } from './checkpoint.ts'

/**
 * Reads a file of either container, recognized by its first bytes, never by its name. Throws like `readGguf` and
 * `readSafetensors`.
 */
export async function readCheckpoint(source: ByteSource): Promise<Checkpoint> {
  const head = await source.read(0, Math.min(9, source.size))
  if (head.length >= 4 && new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true) === ggufMagic)
    return readGguf(source)
  // A safetensors header begins with "{" after its length of eight bytes.
  if (head[8] === 0x7b) return readSafetensors(source)
  throw new TesseraError(
    'invalid-file',
    `${source.name}: the bytes at 0 are neither those of GGUF nor of safetensors; a download page instead of the file?`,
    {
      details: { file: source.name, field: 'magic', byteOffset: 0 },
    },
  )
}
