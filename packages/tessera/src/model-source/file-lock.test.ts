import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withLock } from './file-lock.ts'

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
