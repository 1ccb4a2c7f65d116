import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TesseraError } from '@tessera-llm/tensor'
import { claimStore, type WorkStore } from './work-store.ts'

/**
 * Stores results as files of a folder, which is created if its parent exists. Each file is written under a temporary
 * name and renamed when it is on disk. Throws `io`.
 */
export function folderStore(path: string): WorkStore {
  const place = (key: string): string => join(path, `${key}.part`)
  const failed = (cause: unknown): never => {
    throw new TesseraError(
      'io',
      `optimize: the folder of intermediate results ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
  const make = async (): Promise<void> => {
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT')
        throw new Error(`there is no folder ${dirname(path)}; make it, or name another output`)
      if (error.code !== 'EEXIST') throw error
    })
  }
  const store: Omit<WorkStore, 'claim'> = {
    async get(key) {
      try {
        return await readFile(place(key))
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        return failed(cause)
      }
    },
    async put(key, bytes) {
      try {
        const handle = await open(`${place(key)}.new`, 'w').catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
          await make()
          return open(`${place(key)}.new`, 'w')
        })
        try {
          await handle.writeFile(bytes)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(`${place(key)}.new`, place(key))
      } catch (cause) {
        failed(cause)
      }
    },
  }
  return {
    ...store,
    claim: (identity) => claimStore(store, () => rm(path, { recursive: true, force: true }).catch(failed), identity),
  }
}
