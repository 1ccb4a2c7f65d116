import { randomBytes } from 'node:crypto'
import { TesseraError } from '@tessera-llm/tensor'
import { afterEach, expect, test } from 'vitest'
import type { Answer, FileServer } from '../../test/file-server.ts'
import { dropAfter, serveFile, stallAfter, status, whole } from '../../test/file-server.ts'
import type { HttpDownloadOptions } from './http-download.ts'
import { httpDownload } from './http-download.ts'

const megabyte = new Uint8Array(randomBytes(1_000_000))
const quick = { retryDelayMs: 1, attempts: 3, timeoutMs: 5_000, sizeBytes: megabyte.length }

let server: FileServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function download(
  answers: (Answer | undefined)[],
  options: Partial<HttpDownloadOptions> = {},
  always?: Answer,
): Promise<Buffer> {
  server = await serveFile(megabyte, answers, always)
  const chunks: Uint8Array[] = []
  await httpDownload(server.url, { ...quick, ...options }, (chunk) => void chunks.push(chunk))
  return Buffer.concat(chunks)
}

test('brings the file, in one request', async () => {
  expect((await download([])).equals(megabyte)).toBe(true)
  expect(server?.ranges).toEqual(['bytes=0-'])
})

test('goes on where the connection broke off, and from where the caller is', async () => {
  expect(
    (await download([dropAfter(100_000), status(502), dropAfter(200_000)], { offsetBytes: 5 })).equals(
      megabyte.subarray(5),
    ),
  ).toBe(true)
  expect(server?.ranges[0]).toBe('bytes=5-')
  expect(Number(/=(\d+)/.exec(server?.ranges[1] ?? '')?.[1])).toBeGreaterThan(5)
})

test('without ranges it passes over what is there, after a break too', async () => {
  const breaking: Answer = (_request, response, { bytes }) => {
    response.writeHead(200, { 'content-length': String(bytes.length) })
    response.write(bytes.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 20))
  }
  expect((await download([breaking], { offsetBytes: 1000 }, undefined)).length).toBe(999_000)
  await server?.close()
  expect((await download([breaking, whole], { offsetBytes: 1000 })).equals(megabyte.subarray(1000))).toBe(true)
})

test('a server that always breaks before anything new is given up', async () => {
  const breakingAt =
    (count: number): Answer =>
    (_request, response, { bytes }) => {
      response.writeHead(200, { 'content-length': String(bytes.length) })
      response.write(bytes.subarray(0, count), () => setTimeout(() => response.destroy(), 20))
    }
  for (const count of [1000, 5000]) {
    await expect(download([], { offsetBytes: 5000 }, breakingAt(count))).rejects.toMatchObject({ code: 'network' })
    expect(server?.ranges).toHaveLength(3)
    await server?.close()
  }
})

test('another size, a missing file and silence are errors; nothing is to be brought when all is there', async () => {
  await expect(download([], { sizeBytes: 999_999 })).rejects.toThrow('1000000 bytes where 999999')
  await server?.close()
  await expect(download([whole], { sizeBytes: 999_999 })).rejects.toMatchObject({ code: 'network' })
  await server?.close()
  await expect(download([status(404)])).rejects.toMatchObject({ code: 'not-found' })
  await server?.close()
  await expect(download([], { timeoutMs: 50 }, stallAfter(0))).rejects.toThrow('no byte came')
  await server?.close()
  expect(await download([], { offsetBytes: megabyte.length })).toHaveLength(0)
})

test('what the caller throws ends it at once; so does its signal', async () => {
  server = await serveFile(megabyte, [])
  const full = (): never => {
    throw new TesseraError('io', 'the disk is full')
  }
  await expect(httpDownload(server.url, quick, full)).rejects.toMatchObject({ code: 'io', message: 'the disk is full' })
  const broken = (): never => {
    throw new Error('odd')
  }
  await expect(httpDownload(server.url, quick, broken)).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('odd') as string,
  })
  expect(server.ranges).toHaveLength(2)
  const controller = new AbortController()
  await expect(
    httpDownload(server.url, { ...quick, signal: controller.signal }, () => controller.abort()),
  ).rejects.toMatchObject({ code: 'aborted' })
})
