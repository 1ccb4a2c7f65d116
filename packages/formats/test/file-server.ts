import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers a request in place of the file server. */
export type Answer = (request: IncomingMessage, response: ServerResponse, served: Served) => void

export interface Served {
  readonly bytes: Uint8Array
  /** First and last requested byte; the whole file without a Range header. */
  readonly first: number
  readonly last: number
}

export interface FileServer {
  readonly url: string
  /** Range headers in order, '' if absent. */
  readonly ranges: string[]
  close(): Promise<void>
}

/**
 * Serves one file on a free local port. `answers` are used up one per request before the file is served normally;
 * `undefined` among them also serves normally.
 */
export async function serveFile(
  bytes: Uint8Array,
  answers: (Answer | undefined)[] = [],
  always?: Answer,
): Promise<FileServer> {
  const ranges: string[] = []
  const server = createServer((request, response) => {
    const header = request.headers.range ?? ''
    ranges.push(header)
    const match = /^bytes=(\d+)-(\d*)$/.exec(header)
    const served = {
      bytes,
      first: Number(match?.[1] ?? 0),
      last: Math.min(Number(match?.[2] || bytes.length - 1), bytes.length - 1),
    }
    const answer = always ?? answers.shift() ?? inRange
    answer(request, response, served)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/folder/model.gguf`,
    ranges,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

const rangeHeaders = ({ bytes, first, last }: Served, etag = '"one"'): Record<string, string> => ({
  'content-range': `bytes ${first}-${last}/${bytes.length}`,
  'content-length': String(last - first + 1),
  etag,
})

/** Serves the requested range. */
export const inRange: Answer = (_request, response, served) => {
  if (served.first >= served.bytes.length)
    response.writeHead(416, { 'content-range': `bytes */${served.bytes.length}` }).end()
  else response.writeHead(206, rangeHeaders(served)).end(served.bytes.subarray(served.first, served.last + 1))
}

/** Serves the whole file regardless of the range. */
export const whole: Answer = (_request, response, { bytes }) => {
  response.writeHead(200, { 'content-length': String(bytes.length) }).end(bytes)
}

/**
 * Sends `count` bytes of the requested range, then breaks the connection. The pause lets the client read what has
 * arrived.
 */
export const dropAfter =
  (count: number): Answer =>
  (_request, response, served) => {
    response.writeHead(206, rangeHeaders(served))
    response.write(served.bytes.subarray(served.first, served.first + count), () =>
      setTimeout(() => response.destroy(), 20),
    )
  }

/** Sends `count` bytes of the requested range, then stalls. */
export const stallAfter =
  (count: number): Answer =>
  (_request, response, served) => {
    response.writeHead(206, rangeHeaders(served))
    response.write(served.bytes.subarray(served.first, served.first + count))
  }

export const withEtag =
  (etag: string): Answer =>
  (_request, response, served) => {
    response.writeHead(206, rangeHeaders(served, etag)).end(served.bytes.subarray(served.first, served.last + 1))
  }

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(code, headers).end('the body of an error page')
  }
