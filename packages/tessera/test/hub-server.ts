import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A stand-in for the hub on a free local port: the tree API and file downloads with ranges. */
export interface HubServer {
  readonly endpoint: string
  /** `GET path range`, in order. */
  readonly requests: string[]
  /** Called before the hub answers; returns true if it answered itself. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  files: Record<string, Uint8Array>
  close(): Promise<void>
}

export const repository = 'owner/model'

const downloads = `/${repository}/resolve/main/`

/** Files above this size are "large": the hub lists them with a sha256, as for Git LFS. */
const largeBytes = 1000

export async function startHub(files: Record<string, Uint8Array>): Promise<HubServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    requests.push(`${url}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`)
    if (hub.intercept?.(request, response) === true) return
    if (url.startsWith(`/api/models/${repository}/tree/main?`))
      json(response, 200, Object.entries(hub.files).map(treeEntry))
    else if (url.startsWith(downloads))
      serve(request, response, hub.files[decodeURIComponent(url.slice(downloads.length))])
    else json(response, 404, { error: 'Repository not found' })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hub: HubServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    intercept: undefined,
    files,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return hub
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function treeEntry([path, bytes]: [string, Uint8Array]): object {
  const gitSha1 = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  if (bytes.length <= largeBytes) return { type: 'file', path, size: bytes.length, oid: gitSha1 }
  // A large file's `oid` is that of its pointer; the file's own hash is in `lfs`.
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return {
    type: 'file',
    path,
    size: bytes.length,
    oid: '0'.repeat(40),
    lfs: { oid: sha256, size: bytes.length, pointerSize: 130 },
  }
}

/** Sends a file or the requested range of it, up to `until`. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array | undefined,
  until?: number,
): void {
  if (bytes === undefined) {
    json(response, 404, { error: 'Entry not found' })
    return
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  const end = Math.min(Number(range?.[2] || bytes.length - 1) + 1, bytes.length)
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
    'content-length': String(end - start),
  })
  if (until === undefined) response.end(bytes.subarray(start, end))
  // The pause lets the client read what has arrived before the connection breaks.
  else response.write(bytes.subarray(start, until), () => setTimeout(() => response.destroy(), 20))
}
