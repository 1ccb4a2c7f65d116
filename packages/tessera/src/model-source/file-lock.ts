import { open, readFile, rm } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { TesseraError } from '@tessera-llm/tensor'

/**
 * Runs `work` while holding a lock file with this process's id. Takes over the lock of a process that no longer runs.
 *
 * @throws TesseraError `io` if another running process holds the lock
 */
export async function withLock<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  await take(path, what)
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string, what: string): Promise<void> {
  let hasRemoved = false
  for (let attempt = 0; ; attempt++) {
    const handle = await open(path, 'wx').catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'EEXIST') return undefined
      throw new TesseraError(
        'io',
        `${what} cannot be written to ${path}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      )
    })
    if (handle !== undefined) {
      await handle.writeFile(String(process.pid))
      await handle.close()
      return
    }
    const id = await readFile(path, 'utf8').catch(() => '')
    // An owner creates the file before it writes its id: an empty file may belong to a running process.
    if (id === '' && attempt < 10) {
      await setTimeout(20)
      continue
    }
    const owner = Number(id)
    if (isAlive(owner) || hasRemoved) {
      throw new TesseraError(
        'io',
        `${what} is being downloaded by process ${owner}; wait for it, or delete ${path} if that process does something else`,
      )
    }
    hasRemoved = true
    await rm(path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}
