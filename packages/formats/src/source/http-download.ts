import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import type { HttpOptions } from './http-request.ts'
import { contentRange, readBody, requestWithRetries, targetOf } from './http-request.ts'

export interface HttpDownloadOptions extends HttpOptions {
  /** What the file's size must be. */
  readonly sizeBytes: number
  /** Bytes that the caller already has. Default 0. */
  readonly offsetBytes?: number
  readonly signal?: AbortSignal
}

/**
 * Hands a file's bytes from `offsetBytes` on to `keep`, in order and each once, going on where a lost connection broke off. Where
 * the server knows no ranges, what is already there is passed over. Waits for each `keep` before it reads on.
 * Throws `not-found`, `aborted`, `network` where the size differs or the attempts are used up, and what `keep` throws.
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
      // Passing over known bytes is no progress: a server that always breaks off before the new ones must not be asked for ever.
      await readBody(response, take, () => progress(news))
      if (done < sizeBytes) throw new Error(`the response ended at byte ${done} of ${sizeBytes}`)
    },
  )
}

/** The request loop takes unknown errors for those of the connection; what `keep` throws must not be tried again. */
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
