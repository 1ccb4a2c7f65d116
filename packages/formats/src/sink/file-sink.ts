import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TesseraError } from '@tessera-llm/tensor'
import type { ByteSink } from './sink.ts'

/**
 * Sink to a file on disk. Writes next to the final path and renames at the end, so that a reader never sees a partial
 * file and an interrupted write leaves the old file intact. Throws `io`.
 */
export async function fileSink(path: string): Promise<ByteSink> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`)
  const handle = await open(temporary, 'wx').catch((cause: unknown) => {
    throw ioError(path, 'cannot be created', cause)
  })
  let pending = true
  const discard = async (): Promise<void> => {
    if (!pending) return
    pending = false
    await handle.close().catch(() => undefined)
    await rm(temporary, { force: true })
  }
  return {
    async write(bytes: Uint8Array): Promise<void> {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done).catch((cause: unknown) => {
          throw ioError(path, 'cannot be written', cause)
        })
        done += bytesWritten
      }
    },
    async finish(): Promise<void> {
      try {
        // Renaming before the data are on disk could leave an empty file after a power failure.
        await handle.sync()
        await handle.close()
        await rename(temporary, path)
        pending = false
      } catch (cause) {
        await discard()
        throw ioError(path, 'cannot be finished', cause)
      }
    },
    abort: discard,
  }
}

function ioError(path: string, problem: string, cause: unknown): TesseraError {
  return new TesseraError(
    'io',
    `fileSink: ${path} ${problem}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  )
}
