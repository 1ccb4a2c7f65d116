import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import { abortedError } from './source.ts'

/** Options of HTTP requests. */
export interface HttpOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch
  /** Sent with every request: `{ authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Consecutive attempts without a byte before a read fails. Default 5. */
  readonly attempts?: number
  /** Pause before the second attempt in ms; doubles with each further one, up to 30 s. Default 500. */
  readonly retryDelayMs?: number
  /** Silence after which an attempt counts as failed, in ms. Default 60 000. */
  readonly timeoutMs?: number
}

const maxDelayMs = 30_000

/** A failure that another attempt may avoid. */
class Transient extends Error {
  readonly delayMs: number | undefined

  constructor(message: string, options: { cause?: unknown; delayMs?: number | undefined } = {}) {
    super(message, { cause: options.cause })
    this.delayMs = options.delayMs
  }
}

/** Target of requests, and their options. */
export interface Target {
  readonly url: string
  /** URL for messages, without its query, which may hold a signature or token. */
  readonly label: string
  readonly options: HttpOptions
}

/** Handles the response of one attempt; calls `progress` for each chunk that it kept. */
export type Attempt<T> = (response: Response, progress: (bytes: number) => void) => Promise<T>

/**
 * Requests until `attempt` succeeds. Retries lost connections, silence and the statuses 408, 429 and 5xx, each time
 * with a fresh `range()`, so that a transfer resumes where it stopped; other statuses fail at once.
 */
export async function requestWithRetries<T>(
  target: Target,
  range: () => string,
  signal: AbortSignal | undefined,
  attempt: Attempt<T>,
): Promise<T> {
  const { label, options } = target
  const attempts = options.attempts ?? 5
  let failures = 0
  for (;;) {
    let progressed = false
    const outcome = await once(target, range(), signal, (response, progress) =>
      attempt(response, (bytes) => {
        progressed ||= bytes > 0
        progress(bytes)
      }),
    )
    if ('value' in outcome) return outcome.value
    const { error } = outcome
    failures = progressed ? 1 : failures + 1
    if (failures >= attempts) {
      const message = `http: ${label} failed ${failures} times in a row: ${error.message}; check the connection and try again`
      throw new TesseraError('network', message, { cause: error })
    }
    await pause(
      Math.min(error.delayMs ?? (options.retryDelayMs ?? 500) * 2 ** (failures - 1), maxDelayMs),
      label,
      signal,
    )
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: Transient }

async function once<T>(
  target: Target,
  range: string,
  signal: AbortSignal | undefined,
  attempt: Attempt<T>,
): Promise<Outcome<T>> {
  const { label, options } = target
  const fetch = options.fetch ?? globalThis.fetch
  const timeoutMs = options.timeoutMs ?? 60_000
  const controller = new AbortController()
  const silence = new Transient(`no byte came for ${timeoutMs} ms`)
  let timer = setTimeout(() => controller.abort(silence), timeoutMs)
  const stop = (): void => controller.abort(signal?.reason)
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    // Compression would break the byte count.
    const headers = { 'accept-encoding': 'identity', ...options.headers, range }
    const response = await fetch(target.url, { headers, signal: controller.signal })
    try {
      checkStatus(response, label)
      const value = await attempt(response, () => {
        clearTimeout(timer)
        timer = setTimeout(() => controller.abort(silence), timeoutMs)
      })
      return { value }
    } catch (error) {
      await response.body?.cancel().catch(() => undefined)
      throw error
    }
  } catch (error) {
    if (signal?.aborted === true) throw abortedError(label, signal)
    if (isTesseraError(error)) throw error
    if (error instanceof Transient) return { error }
    // Any other error of fetch and its body is the connection's failure.
    return { error: controller.signal.reason === silence ? silence : new Transient(reasonOf(error), { cause: error }) }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

function checkStatus(response: Response, label: string): void {
  const { status } = response
  if (status === 200 || status === 206 || status === 416) return
  if (status === 404 || status === 410)
    throw new TesseraError('not-found', `http: ${label} does not exist (status ${status})`, { details: { status } })
  if (status === 401 || status === 403) {
    const message = `http: ${label} is not open to this request (status ${status}); pass an authorization header`
    throw new TesseraError('network', message, { details: { status } })
  }
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
    throw new Transient(`the server answered with status ${status}`, {
      delayMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
    })
  }
  throw new TesseraError('network', `http: ${label} answered with status ${status}`, { details: { status } })
}

/** Passes the body's chunks to `keep` in order. Throws if the connection breaks before the body ends. */
export async function readBody(
  response: Response,
  keep: (chunk: Uint8Array) => void | Promise<void>,
  progress: (bytes: number) => void,
): Promise<void> {
  if (response.body === null) return
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      await keep(value)
      progress(value.byteLength)
    }
  } finally {
    // After an error the rest of the body is of no use; after the end this does nothing.
    await reader.cancel().catch(() => undefined)
    reader.releaseLock()
  }
}

function pause(ms: number, label: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      if (signal !== undefined) reject(abortedError(label, signal))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

/** Node's fetch says only "fetch failed" and hides the reason in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}

/**
 * Parses `bytes 0-99/1234`, or with status 416 an asterisk in place of the range; throws `network` if the size is
 * missing.
 */
export function contentRange(
  response: Response,
  label: string,
): { readonly start: number | undefined; readonly size: number } {
  const header = response.headers.get('content-range')
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(header ?? '')
  const size = Number(match?.[2] ?? Number.NaN)
  if (!Number.isSafeInteger(size)) {
    const answer = `status ${response.status} and Content-Range ${header ?? '(none)'}`
    throw new TesseraError(
      'network',
      `http: ${label} answered with ${answer}; the server must answer ranges and, for pages, expose Content-Range`,
    )
  }
  return { start: match?.[1] === undefined ? undefined : Number(match[1]), size }
}

/** Request target for `url`. Relative URLs are relative to the page. */
export function targetOf(url: string | URL, options: HttpOptions): Target {
  const address = new URL(url, globalThis.location?.href)
  return { url: address.href, label: `${address.origin}${address.pathname}`, options }
}
