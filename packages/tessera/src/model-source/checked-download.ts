import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { httpDownload } from '@tessera-llm/formats'
import type { HttpOptions } from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import { withLock } from './file-lock.ts'
import { sizeOf } from './hub-cache.ts'
import type { HubFile } from './hub-client.ts'

export interface CheckedDownload {
  readonly url: string
  readonly file: HubFile
  /** Destination of the complete file. */
  readonly path: string
  readonly http: HttpOptions
  readonly signal?: AbortSignal | undefined
  /** Reports how many bytes of the file have been downloaded, after each piece. */
  readonly onBytes: (doneBytes: number) => void
  /** Throws if the disk has no room for this many more bytes. */
  readonly checkSpace: (neededBytes: number) => Promise<void>
}

/**
 * Downloads a file to `path`, continuing an earlier attempt. The file appears at `path` only when its size and hash are
 * right.
 *
 * @throws TesseraError `network` for a wrong hash, which deletes the partial file, and as `httpDownload`, which keeps
 *   it
 */
export async function checkedDownload({
  url,
  file,
  path,
  http,
  signal,
  onBytes,
  checkSpace,
}: CheckedDownload): Promise<void> {
  const { sizeBytes, hash } = file
  await mkdir(dirname(path), { recursive: true })
  // The hash in the name keeps a partial file of another version from being continued.
  const part = `${path}.${hash.replace(/^.*:/, '').slice(0, 12)}.part`
  await withLock(`${part}.lock`, `hub: ${file.path}`, async () => {
    if (((await sizeOf(part)) ?? 0) > sizeBytes) await rm(part)
    const hasher = hasherOf(hash, sizeBytes)
    let done = await hashFile(part, hasher)
    onBytes(done)
    await checkSpace(sizeBytes - done)
    const handle = await open(part, 'a')
    try {
      const options = { ...http, sizeBytes, offsetBytes: done, ...(signal === undefined ? {} : { signal }) }
      await httpDownload(url, options, async (chunk) => {
        await handle.writeFile(chunk)
        hasher.update(chunk)
        done += chunk.length
        onBytes(done)
      })
      await handle.sync()
    } finally {
      await handle.close()
    }
    const actual = hasher.digest('hex')
    if (!hash.endsWith(`:${actual}`)) {
      await rm(part)
      throw new TesseraError(
        'network',
        `hub: ${file.path} arrived with hash ${actual} instead of ${hash}; it was thrown away: run the command again`,
      )
    }
    await rename(part, path)
  })
}

/** Whether the file at `path` has the size and the hash of `file`. */
export async function hasHash(path: string, { sizeBytes, hash }: HubFile): Promise<boolean> {
  if ((await sizeOf(path)) !== sizeBytes) return false
  const hasher = hasherOf(hash, sizeBytes)
  await hashFile(path, hasher)
  return hash.endsWith(`:${hasher.digest('hex')}`)
}

function hasherOf(hash: string, sizeBytes: number): Hash {
  // Git hashes a file behind a header: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
  return hash.startsWith('sha256:') ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`)
}

/** Feeds a file to the hasher; returns its size, or 0 if there is no file. */
async function hashFile(path: string, hasher: Hash): Promise<number> {
  if ((await sizeOf(path)) === undefined) return 0
  let size = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hasher.update(chunk as Buffer)
    size += (chunk as Buffer).length
  }
  return size
}
