import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
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

/**
 * The same for a model: of a folder the bytes of all files together, and the SHA-256 of one line a file in the order of their names,
 * `<SHA-256>  <name>`, as sha256sum prints them. Hidden files do not count.
 */
export async function hashModel(path: string): Promise<ReceiptFile> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return hashFile(path)
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => relative(path, join(parentPath, name)).split(sep).join('/'))
  const hash = createHash('sha256')
  let bytes = 0
  for (const name of names.filter((each) => !/(^|\/)\./.test(each)).sort()) {
    const file = await hashFile(join(path, name))
    bytes += file.bytes
    hash.update(`${file.sha256}  ${name}\n`)
  }
  return { path, bytes, sha256: hash.digest('hex') }
}
