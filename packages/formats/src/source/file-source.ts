import { open } from 'node:fs/promises'
import { TesseraError } from '@tessera-llm/tensor'
import type { ByteSource } from './source.ts'
import { abortedError, allocate, checkRead } from './source.ts'

/** Most bytes per system call: Node's limit is 2 GiB − 1, and an abort takes effect between calls. */
const maxCallBytes = 64 * 1024 * 1024

/** Opens a file on disk for positioned reads. Throws `not-found`, or `io` if it cannot be opened. */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw openError(path, cause)
  })
  const stat = await handle.stat()
  if (!stat.isFile()) {
    await handle.close()
    throw new TesseraError('io', `fileSource: ${path} is not a file${stat.isDirectory() ? ' but a folder' : ''}`)
  }
  const size = stat.size
  const readInto = async (target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> => {
    const { length } = target
    checkRead({ name: path, size }, offset, length, signal)
    for (let done = 0; done < length; ) {
      if (signal?.aborted === true) throw abortedError(path, signal)
      const position = offset + done
      const { bytesRead } = await handle
        .read(target, done, Math.min(length - done, maxCallBytes), position)
        .catch((cause: unknown) => {
          throw new TesseraError('io', `read: ${path} could not be read at byte ${position}: ${messageOf(cause)}`, {
            cause,
          })
        })
      if (bytesRead === 0)
        throw new TesseraError('io', `read: ${path} ends at byte ${position}; it had ${size} bytes when it was opened`)
      done += bytesRead
    }
  }
  return {
    size,
    name: path,
    readInto,
    async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
      checkRead({ name: path, size }, offset, length, signal)
      const bytes = allocate(path, length)
      await readInto(bytes, offset, signal)
      return bytes
    },
    close: () => handle.close(),
  }
}

function openError(path: string, cause: unknown): TesseraError {
  if ((cause as { code?: unknown }).code === 'ENOENT')
    return new TesseraError('not-found', `fileSource: there is no file ${path}`, { cause })
  return new TesseraError('io', `fileSource: ${path} cannot be opened: ${messageOf(cause)}`, { cause })
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
