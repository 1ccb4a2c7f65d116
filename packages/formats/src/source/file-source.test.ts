import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ggufBytes } from '../../test/gguf-bytes.ts'
import { readGguf } from '../gguf/read-gguf.ts'
import { writeGguf } from '../gguf/write-gguf.ts'
import { fileSink } from '../sink/file-sink.ts'
import { blobSource } from './blob-source.ts'
import { fileSource } from './file-source.ts'
import { openCheckpoint } from './open-checkpoint.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-formats-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('offsets beyond 4 GiB: a sparse file of 6 GiB with a tensor on either side of 2^32', async () => {
  const path = join(folder, 'sparse.gguf')
  const far = 2 ** 32 + 2 ** 30
  const half = 2 ** 30 + 8
  const tensors = [
    { name: 'near', axes: [half] },
    { name: 'across', axes: [8], offset: 2 ** 32 + 64 },
    { name: 'far', axes: [4], offset: far },
  ]
  const header = ggufBytes({ tensors })
  await writeFile(path, header)
  await truncate(path, 6 * 2 ** 30)
  const file = await open(path, 'r+')
  await file.write(Uint8Array.of(1, 2, 3, 4), 0, 4, header.length + far)
  await file.write(Uint8Array.of(5, 6, 7, 8), 0, 4, header.length + 2 ** 32 - 2)
  await file.close()

  const checkpoint = await openCheckpoint(path)
  expect(checkpoint.byteLength).toBe(6 * 2 ** 30)
  expect([...((await checkpoint.tensors.get('far')?.read(0, 5)) ?? [])]).toEqual([1, 2, 3, 4, 0])
  // The first tensor is longer than 2^32 bytes itself: a range of it crosses the border.
  expect(checkpoint.tensors.get('near')?.byteLength).toBe(half * 4)
  expect([...((await checkpoint.tensors.get('near')?.read(2 ** 32 - 3, 6)) ?? [])]).toEqual([0, 5, 6, 7, 8, 0])
  await checkpoint.close()
})

test('a blob is read by slices', async () => {
  const bytes = ggufBytes({ tensors: [{ axes: [8] }], dataBytes: 32 })
  const source = blobSource(new File([bytes as Uint8Array<ArrayBuffer>], 'chosen.gguf'))
  expect(source.name).toBe('chosen.gguf')
  expect((await readGguf(source)).tensors.get('a')?.byteLength).toBe(32)
  await expect(source.read(0, source.size + 1)).rejects.toMatchObject({ code: 'invalid-value' })
})

describe('errors', () => {
  test('a missing file is not-found, a folder and an unreadable one are io', async () => {
    await expect(fileSource(join(folder, 'nothing.gguf'))).rejects.toMatchObject({ code: 'not-found' })
    await expect(fileSource(folder)).rejects.toMatchObject({ code: 'io' })
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('model.safetensors') as string,
    })
  })

  test('a file that is neither container says so', async () => {
    const path = join(folder, 'page.gguf')
    await writeFile(path, '<!doctype html><title>Sign in</title>')
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('neither') as string,
    })
  })

  test('a file that shrinks after it was opened, reads out of range and aborted reads', async () => {
    const path = join(folder, 'shrinks.bin')
    await writeFile(path, new Uint8Array(1000))
    const source = await fileSource(path)
    await expect(source.read(990, 11)).rejects.toMatchObject({ code: 'invalid-value' })
    await expect(source.read(0, 10, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
    await truncate(path, 500)
    await expect(source.read(490, 20)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('ends at byte 500') as string,
    })
    await source.close()
  })
})

describe('fileSink', () => {
  test('the file appears whole or not at all', async () => {
    const path = join(folder, 'written.gguf')
    await writeFile(path, 'what was there before')
    const bad = { name: 'a', shape: [2], format: 'f32', bytes: (): Uint8Array => new Uint8Array(7) }
    await expect(writeGguf({ metadata: new Map(), tensors: [bad] }, await fileSink(path))).rejects.toMatchObject({
      code: 'invalid-value',
    })
    expect(await readFile(path, 'utf8')).toBe('what was there before')
    await writeGguf(
      { metadata: new Map(), tensors: [{ ...bad, bytes: new Uint8Array(8).fill(9) }] },
      await fileSink(path),
    )
    const checkpoint = await openCheckpoint(path)
    expect([...((await checkpoint.tensors.get('a')?.read()) ?? [])]).toEqual(Array.from({ length: 8 }, () => 9))
    await checkpoint.close()
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('a folder that does not exist is an io error', async () => {
    await expect(fileSink(join(folder, 'no', 'such', 'file.gguf'))).rejects.toMatchObject({ code: 'io' })
  })
})

test('a file is read into memory of the caller, shared memory included', async () => {
  const path = join(folder, 'into.bin')
  await writeFile(
    path,
    Uint8Array.from({ length: 100 }, (_, index) => index),
  )
  const source = await fileSource(path)
  const shared = new Uint8Array(new SharedArrayBuffer(16))
  await source.readInto?.(shared.subarray(4, 10), 90)
  expect([...shared]).toEqual([0, 0, 0, 0, 90, 91, 92, 93, 94, 95, 0, 0, 0, 0, 0, 0])
  await expect(source.readInto?.(shared, 90)).rejects.toThrow('bytes 90 to 106 are outside')
  await source.close()
})
