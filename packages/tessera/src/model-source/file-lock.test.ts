import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { withLock } from './file-lock.ts'

/** Runs between the moment that a lock is read and the moment that its reader learns what it holds. */
const afterRead = vi.hoisted(() => vi.fn(async () => undefined as unknown))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const readFile = async (...args: Parameters<typeof fs.readFile>): Promise<unknown> => {
    const content = await fs.readFile(...args)
    await afterRead()
    return content
  }
  return { ...fs, readFile }
})

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-lock-'))
  path = join(folder, 'model.lock')
})
afterEach(() => rm(folder, { recursive: true }))

const lock = <T>(work: () => Promise<T>): Promise<T> => withLock(path, 'owner/model', work)

test('a lock names this process and is gone afterwards, also when the work fails', async () => {
  expect(await lock(() => readFile(path, 'utf8'))).toBe(String(process.pid))
  await expect(lock(() => Promise.reject(new Error('work')))).rejects.toThrow('work')
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the lock of a process that no longer runs is taken over, one that stays empty too', async () => {
  for (const id of ['999999999', '']) {
    await writeFile(path, id)
    expect(await lock(async () => 'done')).toBe('done')
  }
})

test('a lock whose owner has not written its id yet is respected', async () => {
  await writeFile(path, '')
  const attempt = lock(async () => 'done')
  attempt.catch(() => undefined)
  await writeFile(path, String(process.pid))
  await expect(attempt).rejects.toMatchObject({ code: 'io' })
  expect(await readFile(path, 'utf8')).toBe(String(process.pid))
})

test('of several that find the lock of a process that no longer runs, one takes it over', async () => {
  await writeFile(path, '999999999')
  const events: string[] = []
  // The late one reads the old id and is held up until another has taken the lock.
  const taken = new Promise<void>((resolve) => {
    afterRead.mockImplementationOnce(async () => {
      const early = lock(async () => {
        events.push('early took it')
        resolve()
        await setTimeout(100)
        events.push('early is done')
      })
      await Promise.race([taken, early])
    })
  })
  await expect(lock(async () => events.push('late took it'))).rejects.toMatchObject({ code: 'io' })
  expect(await readdir(folder)).toEqual(['model.lock'])
  await vi.waitFor(() => expect(events).toEqual(['early took it', 'early is done']))
  await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]))
})

test('a takeover that was broken off is named', async () => {
  await writeFile(path, '999999999')
  await writeFile(`${path}.takeover`, '999999998')
  await expect(lock(async () => 'done')).rejects.toThrow(`delete ${path}.takeover`)
})
