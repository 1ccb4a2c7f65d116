import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import type { HttpOptions } from './http-request.ts'
import { contentRange, readBody, requestWithRetries, targetOf } from './http-request.ts'

/** Options of `httpDownload`. */
export interface HttpDownloadOptions extends HttpOptions {
  /** Expected size of the file in bytes. */
  readonly sizeBytes: number
  /** Bytes that the caller already has. Default 0. */
  readonly offsetBytes?: number
  readonly signal?: AbortSignal
}

/**
 * Passes a file's bytes from `offsetBytes` on to `keep`, in order and each once, and resumes after a lost connection.
 * If the server has no ranges, known bytes are skipped. Awaits each `keep` before reading on.
 *
 * @throws TesseraError `not-found`, `aborted`, `network` if the size differs or the attempts are used up; and what
 * `keep` throws
 */
export async function httpDownload(
  url: string | URL,
  options: HttpDownloadOptions,
  keep: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const target = targetOf(url, options)
  const { label } = target
  const { sizeBytes } = options
  let done = options.offsetBytes ?? 0
  if (done >= sizeBytes) return
  await requestWithRetries(
    target,
    () => `bytes=${done}-`,
    options.signal,
    async (response, progress) => {
      let skip = 0
      let news = 0
      if (response.status === 200) skip = done
      else {
        const range = contentRange(response, label)
        if (range.size !== sizeBytes) throw sizeError(label, range.size, sizeBytes)
        if (range.start !== done)
          throw new TesseraError(
            'network',
            `httpDownload: ${label} sent bytes from ${range.start ?? 'nowhere'} instead of ${done}`,
          )
      }
      const take = async (chunk: Uint8Array): Promise<void> => {
        const fresh = chunk.subarray(Math.min(skip, chunk.length))
        skip -= chunk.length - fresh.length
        if (done + fresh.length > sizeBytes) throw sizeError(label, `at least ${done + fresh.length}`, sizeBytes)
        await keeping(label, keep, fresh)
        done += fresh.length
        news = fresh.length
      }
      // Skipping known bytes is no progress: otherwise a server that always fails before new ones would be retried
      // forever.
      await readBody(response, take, () => progress(news))
      if (done < sizeBytes) throw new Error(`the response ended at byte ${done} of ${sizeBytes}`)
    },
  )
}

/** Marks errors of `keep`: the request loop would take them for connection failures and retry. */
async function keeping(
  label: string,
  keep: (chunk: Uint8Array) => void | Promise<void>,
  chunk: Uint8Array,
): Promise<void> {
  if (chunk.length === 0) return
  try {
    await keep(chunk)
  } catch (cause) {
    if (isTesseraError(cause)) throw cause
    throw new TesseraError(
      'io',
      `httpDownload: the bytes of ${label} could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

function sizeError(label: string, actual: number | string, expected: number): TesseraError {
  return new TesseraError(
    'network',
    `httpDownload: ${label} has ${actual} bytes where ${expected} were expected; it may have been replaced meanwhile`,
  )
}
