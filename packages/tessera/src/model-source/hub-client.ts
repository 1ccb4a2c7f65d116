import { HubApiError, listFiles } from '@huggingface/hub'
import type { HttpOptions } from '@tessera-llm/formats'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import { isPlainPath } from './hub-reference.ts'
import type { HubReference } from './hub-reference.ts'
import type { HubSettings } from './hub-settings.ts'

/** A file of a repository with its expected hash. */
export interface HubFile {
  readonly path: string
  readonly sizeBytes: number
  /** `sha256:…` for a large file; `git-sha1:…`, the id of the git blob, for a small one. */
  readonly hash: string
}

const maxFiles = 20_000
const listTimeoutMs = 30_000

/**
 * Lists all files of a repository, with the caller's `fetch` and headers.
 *
 * @throws TesseraError `not-found`, `network` (with `details.unreachable` if no answer came) or `aborted`; each message
 *   names the remedy
 */
export async function listHubFiles(
  reference: HubReference,
  settings: HubSettings,
  signal?: AbortSignal,
  { fetch = globalThis.fetch, headers }: Pick<HttpOptions, 'fetch' | 'headers'> = {},
): Promise<readonly HubFile[]> {
  const { repository, revision } = reference
  const timeout = AbortSignal.timeout(listTimeoutMs)
  const limited = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
  const files: HubFile[] = []
  try {
    const entries = listFiles({
      repo: repository,
      revision,
      recursive: true,
      hubUrl: settings.endpoint,
      fetch: (input, init) => {
        const all = new Headers(headers)
        for (const [name, value] of new Headers(init?.headers)) all.set(name, value)
        return fetch(input, { ...init, headers: all, signal: limited })
      },
      ...(settings.token === undefined ? {} : { accessToken: settings.token }),
    })
    for await (const entry of entries) {
      if (files.length === maxFiles)
        throw new TesseraError('network', `hub: ${repository} lists more than ${maxFiles} files`)
      // A name that would lead out of the cache is skipped.
      if (entry.type === 'file' && isPlainPath(entry.path)) files.push(hubFile(entry, repository))
    }
    return files
  } catch (error) {
    if (signal?.aborted === true)
      throw new TesseraError('aborted', `hub: listing ${repository} was aborted`, { cause: error })
    throw isTesseraError(error) ? error : listError(error, reference, settings)
  }
}

/** URL of a file's bytes. */
export function hubFileUrl({ repository, revision }: HubReference, path: string, { endpoint }: HubSettings): string {
  return `${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`
}

function hubFile(
  entry: { path: string; size: number; oid?: string; lfs?: { oid: string; size: number } },
  repository: string,
): HubFile {
  const { path, lfs } = entry
  const sizeBytes = lfs?.size ?? entry.size
  const oid = lfs?.oid ?? entry.oid ?? ''
  const hashForm = lfs === undefined ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || !hashForm.test(oid)) {
    throw new TesseraError(
      'network',
      `hub: ${repository} lists ${JSON.stringify(path)} without a size and a hash; is HF_ENDPOINT a hub?`,
    )
  }
  return { path, sizeBytes, hash: `${lfs === undefined ? 'git-sha1' : 'sha256'}:${oid}` }
}

function listError(
  error: unknown,
  { repository, revision }: HubReference,
  { endpoint, token }: HubSettings,
): TesseraError {
  const page = `${endpoint}/${repository}`
  if (error instanceof HubApiError) {
    const { statusCode } = error
    if (statusCode === 404) {
      return new TesseraError(
        'not-found',
        `hub: ${page} has no revision "${revision}", or does not exist; check the spelling`,
        { cause: error },
      )
    }
    if (statusCode === 401 || statusCode === 403) {
      const remedy =
        token === undefined
          ? 'set HF_TOKEN to a token of an account that may read it'
          : `accept its terms at ${page} with the account of HF_TOKEN`
      const problem = `does not exist or is not open to you (status ${statusCode})`
      return new TesseraError('network', `hub: ${page} ${problem}; check the spelling, or ${remedy}`, { cause: error })
    }
    const unreachable = statusCode >= 500 || statusCode === 429
    return new TesseraError('network', `hub: ${page} answered with status ${statusCode}; try again later`, {
      cause: error,
      details: { unreachable },
    })
  }
  const details = { unreachable: true }
  if (error instanceof SyntaxError) {
    const message = `hub: ${endpoint} did not answer as a hub does; check HF_ENDPOINT, or sign in to the network`
    return new TesseraError('network', message, { cause: error, details })
  }
  return new TesseraError('network', `hub: ${endpoint} cannot be reached: ${reasonOf(error)}`, {
    cause: error,
    details,
  })
}

/** Node's fetch says only "fetch failed"; the reason is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : undefined
  return cause === undefined
    ? error.message
    : cause.message || String((cause as { code?: unknown }).code ?? error.message)
}
