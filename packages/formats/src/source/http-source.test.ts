import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isTesseraError } from '@tessera-llm/tensor'
import type { TesseraError } from '@tessera-llm/tensor'
import { afterEach, describe, expect, test } from 'vitest'
import type { Answer, FileServer } from '../../test/file-server.ts'
import { dropAfter, serveFile, stallAfter, status, whole, withEtag } from '../../test/file-server.ts'
import { readGguf } from '../gguf/read-gguf.ts'
import { httpSource } from './http-source.ts'

const megabyte = new Uint8Array(randomBytes(1_000_000))
const quick = { retryDelayMs: 1, attempts: 3, timeoutMs: 5_000 }

let server: FileServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function serve(bytes: Uint8Array, answers: (Answer | undefined)[] = [], always?: Answer): Promise<FileServer> {
  server = await serveFile(bytes, answers, always)
  return server
}

async function failure(promise: Promise<unknown>): Promise<TesseraError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (cause: unknown) => cause,
  )
  if (!isTesseraError(error)) throw error
  return error
}

describe('a server with ranges', () => {
  test('gives any range, and asks only for what is read', async () => {
    const { url, ranges } = await serve(megabyte)
    const source = await httpSource(url, quick)
    expect(source.size).toBe(megabyte.length)
    expect(source.name).toBe(url)
    expect(await source.read(999_000, 1_000)).toEqual(megabyte.subarray(999_000))
    expect(await source.read(5, 100)).toEqual(megabyte.subarray(5, 105))
    expect(await source.read(100, 0)).toHaveLength(0)
    // The second and third read are inside what the first request returned.
    expect(ranges).toEqual(['bytes=0-65535', 'bytes=999000-999999'])
  })

  test('reads a model: the header in a few requests, tensors by range', async () => {
    const bytes = new Uint8Array(await readFile(new URL('../../test/golden/llama.gguf', import.meta.url)))
    const { url, ranges } = await serve(bytes)
    const checkpoint = await readGguf(await httpSource(url, quick))
    expect(ranges).toHaveLength(1)
    const [tensor] = checkpoint.tensors.values()
    expect((await tensor?.read())?.length).toBe(tensor?.byteLength)
  })

  test('sends the headers that it was given and keeps the query out of the name', async () => {
    let seen: string | undefined
    const { url } = await serve(megabyte, [
      (request, response, served) => {
        seen = request.headers.authorization
        withEtag('"one"')(request, response, served)
      },
    ])
    const source = await httpSource(`${url}?signature=secret`, { ...quick, headers: { authorization: 'Bearer token' } })
    expect(seen).toBe('Bearer token')
    expect(source.name).not.toContain('secret')
  })

  test('an empty file has size 0', async () => {
    const { url } = await serve(new Uint8Array(0))
    expect((await httpSource(url, quick)).size).toBe(0)
  })

  test('reads outside the file are refused before any request', async () => {
    const { url, ranges } = await serve(megabyte)
    const source = await httpSource(url, quick)
    for (const [offset, length] of [
      [0, 1_000_001],
      [-1, 1],
      [1_000_001, 0],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      expect((await failure(source.read(offset, length))).code).toBe('invalid-value')
    }
    expect(ranges).toHaveLength(1)
  })
})

describe('broken connections', () => {
  test('a transfer goes on where it broke off', async () => {
    const { url, ranges } = await serve(megabyte, [undefined, dropAfter(70_000), dropAfter(30_000)])
    const source = await httpSource(url, quick)
    expect(await source.read(100_000, 800_000)).toEqual(megabyte.subarray(100_000, 900_000))
    // Arrived bytes are not requested again. (How many arrive before the connection breaks depends on the network
    // stack.)
    const starts = ranges.slice(1).map((range) => Number(/=(\d+)-/.exec(range)?.[1]))
    expect(starts).toHaveLength(3)
    expect(starts[0]).toBe(100_000)
    expect(starts[1]).toBeGreaterThan(100_000)
    expect(starts[2]).toBeGreaterThan(starts[1] ?? Number.NaN)
  })

  test('more drops than attempts are no failure while each brings bytes', async () => {
    const { url } = await serve(megabyte, [undefined, ...Array.from({ length: 9 }, () => dropAfter(10_000))])
    const source = await httpSource(url, quick)
    expect(await source.read(0, 200_000)).toEqual(megabyte.subarray(0, 200_000))
  })

  test('a server that always drops is an error after the last attempt', async () => {
    const { url, ranges } = await serve(megabyte, [undefined, ...Array.from({ length: 9 }, () => dropAfter(0))])
    const source = await httpSource(url, quick)
    const error = await failure(source.read(0, 200_000))
    expect(error.code).toBe('network')
    expect(error.message).toContain('3 times in a row')
    expect(ranges).toHaveLength(1 + 3)
  })

  test('silence counts as a broken connection', async () => {
    const { url, ranges } = await serve(megabyte, [undefined, stallAfter(1_000)])
    const source = await httpSource(url, { ...quick, timeoutMs: 200 })
    expect(await source.read(0, 200_000)).toEqual(megabyte.subarray(0, 200_000))
    expect(ranges.at(-1)).toBe('bytes=1000-199999')
  })

  test('busy servers are tried again, and say when', async () => {
    const { url } = await serve(megabyte, [status(503), status(429, { 'retry-after': '0' })])
    expect((await httpSource(url, quick)).size).toBe(megabyte.length)
  })

  test('nobody listens: a network error that says so', async () => {
    const { url } = await serve(megabyte)
    await server?.close()
    server = undefined
    const error = await failure(httpSource(url, quick))
    expect(error.code).toBe('network')
    expect(error.message).toContain('ECONNREFUSED')
  })
})

describe('servers that cannot do it', () => {
  test('without ranges a small file is downloaded once', async () => {
    const { url, ranges } = await serve(megabyte, [], whole)
    const source = await httpSource(url, quick)
    expect(await source.read(999_000, 1_000)).toEqual(megabyte.subarray(999_000))
    expect(await source.read(0, 10)).toEqual(megabyte.subarray(0, 10))
    expect(ranges).toHaveLength(1)
  })

  test.for([
    ['announced', whole],
    [
      'not announced',
      ((_request, response, { bytes }) => {
        response.writeHead(200).end(bytes)
      }) as Answer,
    ],
  ] as const)('without ranges a large file is refused, its length %s', async ([, answer]) => {
    const { url } = await serve(megabyte, [], answer)
    const error = await failure(httpSource(url, { ...quick, maxDownloadBytes: 500_000 }))
    expect(error.code).toBe('network')
    expect(error.message).toContain('knows no range requests')
  })

  test('404 is not-found, 401 and 403 name the header that is missing', async () => {
    const { url } = await serve(megabyte, [status(404), status(401), status(403), status(418)])
    expect((await failure(httpSource(url, quick))).code).toBe('not-found')
    expect((await failure(httpSource(url, quick))).message).toContain('authorization')
    expect((await failure(httpSource(url, quick))).message).toContain('authorization')
    expect((await failure(httpSource(url, quick))).message).toContain('418')
  })

  test('a file that is replaced between two reads is noticed', async () => {
    const { url } = await serve(megabyte, [undefined, withEtag('"two"')])
    const source = await httpSource(url, quick)
    expect((await failure(source.read(100_000, 10))).message).toContain('changed while it was being read')
  })

  test('a wrong range, too many bytes and a missing Content-Range are errors', async () => {
    const shifted: Answer = (request, response, served) =>
      withEtag('"one"')(request, response, { ...served, first: served.first - 1 })
    const long: Answer = (_request, response, { bytes, first, last }) => {
      response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${bytes.length}`, etag: '"one"' }).end(bytes)
    }
    const { url } = await serve(megabyte, [undefined, shifted, long, status(206)])
    const source = await httpSource(url, quick)
    expect((await failure(source.read(100_000, 10))).message).toContain('instead of 100000')
    expect((await failure(source.read(100_000, 10))).message).toContain('more bytes than')
    expect((await failure(source.read(100_000, 10))).message).toContain('Content-Range (none)')
  })
})

describe('abort', () => {
  test('ends a read in the middle of a body, and only that read', async () => {
    const { url } = await serve(megabyte, [undefined, stallAfter(1_000)])
    const source = await httpSource(url, quick)
    const controller = new AbortController()
    const read = failure(source.read(0, 200_000, controller.signal))
    setTimeout(() => controller.abort(), 50)
    expect((await read).code).toBe('aborted')
    expect(await source.read(0, 200_000)).toEqual(megabyte.subarray(0, 200_000))
  })

  test('ends the pause between two attempts', async () => {
    const { url } = await serve(megabyte, [], status(503))
    const error = await failure(httpSource(url, { retryDelayMs: 60_000, signal: AbortSignal.timeout(100) }))
    expect(error.code).toBe('aborted')
  })

  test('an aborted signal lets no request through; closing ends reads', async () => {
    const { url, ranges } = await serve(megabyte, [undefined, stallAfter(10)])
    const source = await httpSource(url, quick)
    expect((await failure(source.read(0, 200_000, AbortSignal.abort()))).code).toBe('aborted')
    expect(ranges).toHaveLength(1)
    const read = failure(source.read(0, 200_000))
    setTimeout(() => void source.close(), 50)
    expect((await read).code).toBe('aborted')
  })
})
