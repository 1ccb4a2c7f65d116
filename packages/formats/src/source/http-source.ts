import { TesseraError } from '@tessera-llm/tensor'
import type { HttpOptions, Target } from './http-request.ts'
import { contentRange, readBody, requestWithRetries, targetOf } from './http-request.ts'
import type { ByteSource } from './source.ts'
import { allocate, checkRead } from './source.ts'

/** Options of `httpSource`. */
export interface HttpSourceOptions extends HttpOptions {
  /** Largest file, in bytes, that is downloaded whole from a server without ranges. Default 64 MiB; 0 never does. */
  readonly maxDownloadBytes?: number
  /** Aborts the opening requests. */
  readonly signal?: AbortSignal
}

/** Bytes of the first request: enough for most headers. */
const probeBytes = 64 * 1024

/** Identity of the file in a response, to notice when it is replaced between two requests. */
interface Identity {
  readonly size: number
  readonly etag: string | null
}

/**
 * Source that reads a URL by range requests and resumes after a lost connection. A server without ranges works only for
 * a small file, which is downloaded once. In a browser, the server must allow the page's origin and expose
 * `Content-Range`.
 *
 * @throws TesseraError `not-found` (404, 410), `network` (any other failure, a file that changed meanwhile)
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const target = targetOf(url, options)
  const { label } = target
  const { identity, head } = await open(target, options)
  const closed = new AbortController()
  return {
    size: identity.size,
    name: label,
    async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
      checkRead({ name: label, size: identity.size }, offset, length, signal)
      if (offset + length <= head.length) return head.subarray(offset, offset + length)
      const either = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal])
      return readRange(target, identity, offset, length, either)
    },
    async close(): Promise<void> {
      closed.abort(new Error('the source was closed'))
    },
  }
}

async function open(target: Target, options: HttpSourceOptions): Promise<{ identity: Identity; head: Uint8Array }> {
  const { label } = target
  return requestWithRetries(
    target,
    () => `bytes=0-${probeBytes - 1}`,
    options.signal,
    async (response, progress) => {
      if (response.status === 200) {
        const bytes = await download(response, label, options.maxDownloadBytes ?? 64 * 1024 * 1024, progress)
        return { identity: { size: bytes.length, etag: null }, head: bytes }
      }
      const range = contentRange(response, label)
      const identity = { size: range.size, etag: response.headers.get('etag') }
      if (response.status === 416) {
        if (range.size === 0) return { identity, head: new Uint8Array(0) }
        throw new TesseraError(
          'network',
          `httpSource: ${label} refused its first ${probeBytes} bytes although it has ${range.size}`,
        )
      }
      const length = Math.min(probeBytes, range.size)
      const head = new Uint8Array(length)
      let done = 0
      await readBody(
        response,
        (chunk) => {
          done = append(head, done, chunk, label)
        },
        progress,
      )
      if (done < length) throw new Error(`the response ended after ${done} of ${length} bytes`)
      return { identity, head }
    },
  )
}

async function readRange(
  target: Target,
  identity: Identity,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { label } = target
  const bytes = allocate(label, length)
  let done = 0
  await requestWithRetries(
    target,
    () => `bytes=${offset + done}-${offset + length - 1}`,
    signal,
    async (response, progress) => {
      const range = contentRange(response, label)
      if (range.size !== identity.size || response.headers.get('etag') !== identity.etag) {
        throw new TesseraError('network', `httpSource: ${label} changed while it was being read; open it anew`)
      }
      if (range.start !== offset + done) {
        throw new TesseraError(
          'network',
          `httpSource: ${label} sent bytes from ${range.start ?? 'nowhere'} instead of ${offset + done}`,
        )
      }
      await readBody(
        response,
        (chunk) => {
          done = append(bytes, done, chunk, label)
        },
        progress,
      )
      if (done < length) throw new Error(`the response ended after ${done} of ${length} bytes`)
    },
  )
  return bytes
}

/** Downloads the whole body from a server without ranges, at most `limit` bytes. */
async function download(
  response: Response,
  label: string,
  limit: number,
  progress: (bytes: number) => void,
): Promise<Uint8Array> {
  // The length of a compressed body is not the file's.
  const header = response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null
  const announced = header === null ? Number.NaN : Number(header)
  const chunks: Uint8Array[] = []
  let size = 0
  const check = (bytes: number): void => {
    if (bytes > limit) {
      const problem = `has more than ${limit} bytes and its server knows no range requests; download the file and open it from disk`
      throw new TesseraError('network', `httpSource: ${label} ${problem}`)
    }
  }
  if (Number.isFinite(announced)) check(announced)
  await readBody(
    response,
    (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      check(size)
    },
    progress,
  )
  if (Number.isFinite(announced) && size !== announced)
    throw new Error(`the response ended after ${size} of ${announced} bytes`)
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function append(bytes: Uint8Array, at: number, chunk: Uint8Array, label: string): number {
  if (at + chunk.length > bytes.length)
    throw new TesseraError('network', `httpSource: ${label} sent more bytes than the range that was asked for`)
  bytes.set(chunk, at)
  return at + chunk.length
}
