import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ReceiptFile } from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'

/** Size and SHA-256 of a file. Throws `not-found`. */
export async function hashFile(path: string): Promise<ReceiptFile> {
  try {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
    return { path, bytes: (await stat(path)).size, sha256: hash.digest('hex') }
  } catch (cause) {
    throw new TesseraError('not-found', `${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, { cause })
  }
}
