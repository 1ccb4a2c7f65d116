import { open, readFile, rm } from 'node:fs/promises'
import { TesseraError } from '@tessera-llm/tensor'

/**
 * Runs `work` while a file marks it as taken; throws `io` where another living process has it. A mark that a process left when
 * it died is taken over.
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
    const owner = Number(await readFile(path, 'utf8').catch(() => ''))
    if (isAlive(owner) || attempt > 0) {
      throw new TesseraError(
        'io',
        `${what} is being downloaded by process ${owner}; wait for it, or delete ${path} if that process does something else`,
      )
    }
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
