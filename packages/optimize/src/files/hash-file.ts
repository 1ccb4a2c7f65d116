import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { TesseraError } from '@tessera-llm/tensor'
import type { ReceiptFile } from '../receipt/index.ts'

/** Size and SHA-256 of a file. Throws `not-found`. */
export async function hashFile(path: string): Promise<ReceiptFile> {
  try {
    const file = await open(path)
    try {
      const hash = createHash('sha256')
      // One reused buffer: a stream's buffers would trigger the garbage collector every few MB.
      const buffer = new Uint8Array(2 ** 20)
      let bytes = 0
      for (let count = -1; count !== 0; bytes += count) {
        count = (await file.read(buffer, 0, buffer.length)).bytesRead
        hash.update(buffer.subarray(0, count))
      }
      return { path, bytes, sha256: hash.digest('hex') }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new TesseraError(
      'not-found',
      `${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    )
  }
}

/**
 * Size and SHA-256 of a model. For a folder, the total size, and the SHA-256 of one line a file in the order of their
 * names, `<SHA-256>  <name>`, as sha256sum prints them. Hidden files are skipped. Throws `not-found`.
 */
export async function hashModel(path: string): Promise<ReceiptFile> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return hashFile(path)
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(path, join(parentPath, name)).split(sep).join('/'))
  const hash = createHash('sha256')
  let bytes = 0
  for (const name of names.filter((each) => !/(^|\/)\./.test(each)).sort()) {
    const file = await hashFile(join(path, name))
    bytes += file.bytes
    hash.update(`${file.sha256}  ${name}\n`)
  }
  return { path, bytes, sha256: hash.digest('hex') }
}
