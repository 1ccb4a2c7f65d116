import { readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { TesseraError } from '@tessera-llm/tensor'

/** How long something that should take no time is waited for: 10 times 20 ms. */
const attempts = 10
const pauseMs = 20

/**
 * Runs `work` while holding a lock file with this process's id. Takes over the lock of a process that no longer runs;
 * of several that find such a lock at once, one gets it.
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
  const guard = `${path}.takeover`
  for (let attempt = 0; !(await create(path, what)); attempt++) {
    refuseIfAlive(await ownerOf(path), path, what)
    if (await create(guard, what)) {
      try {
        if (await replaceStale(path, what)) return
      } finally {
        await rm(guard, { force: true })
      }
    } else if (attempt < attempts) await setTimeout(pauseMs)
    else
      throw new TesseraError(
        'io',
        `${what} is locked by ${path}, which another process has been taking over for long; delete ${guard} if there is none`,
      )
  }
}

/**
 * Replaces a lock whose process no longer runs by one of this process, and returns whether it did. Only the holder of
 * the guard may call this, and reads the owner anew: who waited for the guard may find the lock in new hands.
 */
async function replaceStale(path: string, what: string): Promise<boolean> {
  const owner = await ownerOf(path)
  if (owner === undefined) return false
  refuseIfAlive(owner, path, what)
  await writeFile(path, String(process.pid))
  return true
}

/** Creates a file with this process's id, and returns false if there is one already. */
async function create(path: string, what: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') return false
    throw new TesseraError(
      'io',
      `${what} cannot be written to ${path}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

/** Id in a lock; NaN if there is none in it, undefined if the lock is gone. */
async function ownerOf(path: string): Promise<number | undefined> {
  // An owner creates the file before it writes its id: an empty file may belong to a running process.
  for (let attempt = 0; attempt < attempts; attempt++) {
    const id = await readFile(path, 'utf8').catch(() => undefined)
    if (id === undefined) return undefined
    if (id !== '') return Number(id)
    await setTimeout(pauseMs)
  }
  return Number.NaN
}

function refuseIfAlive(owner: number | undefined, path: string, what: string): void {
  if (owner === undefined || !isAlive(owner)) return
  throw new TesseraError(
    'io',
    `${what} is being downloaded by process ${owner}; wait for it, or delete ${path} if that process does something else`,
  )
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
