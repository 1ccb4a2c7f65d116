import { readFile, statfs } from 'node:fs/promises'
import type { HttpOptions } from '@tessera-llm/formats'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import { checkedDownload, hasHash } from './checked-download.ts'
import { hubCache } from './hub-cache.ts'
import type { HubCache } from './hub-cache.ts'
import { chooseFiles } from './hub-choice.ts'
import { hubFileUrl, listHubFiles } from './hub-client.ts'
import type { HubFile } from './hub-client.ts'
import type { HubReference } from './hub-reference.ts'
import type { HubSettings } from './hub-settings.ts'

export interface HubModelOptions {
  readonly settings: HubSettings
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly loadedBytes: number; readonly totalBytes: number }) => void) | undefined
  /** Receives a line for people if the cache is used because the hub does not answer. */
  readonly onNote?: ((line: string) => void) | undefined
  /** Retries and time limits of transfers. */
  readonly http?: HttpOptions | undefined
}

/** A model of the hub on disk: a GGUF file, or a folder. */
export interface LocalModel {
  readonly kind: 'gguf' | 'folder'
  readonly path: string
}

/** Names and hashes of the available files, from the hub or the cache, and a way to get them onto the disk. */
interface HubListing {
  readonly files: readonly HubFile[]
  /** Reason why a file may be absent, and the remedy. */
  readonly absence: string
  /** Downloads the files that are not on disk yet. */
  download(files: readonly HubFile[]): Promise<void>
}

/**
 * Downloads the missing or changed files of a model of the hub into the cache, and returns the model's path. If the hub
 * does not answer, a model that is complete in the cache is used as it is.
 */
export async function fetchHubModel(reference: HubReference, options: HubModelOptions): Promise<LocalModel> {
  const cache = hubCache(options.settings.cacheFolder, reference)
  const listing = await openListing(reference, cache, options)
  const byPath = new Map(listing.files.map((file) => [file.path, file]))
  const find = (path: string): HubFile => {
    const file = byPath.get(path)
    if (file === undefined)
      throw new TesseraError('not-found', `hub: ${reference.repository} names ${path}, ${listing.absence}`)
    return file
  }
  const choice = chooseFiles(reference, [...byPath.keys()])
  if (choice.kind === 'gguf') {
    await listing.download([find(choice.file)])
    return { kind: 'gguf', path: cache.pathOf(choice.file) }
  }
  await listing.download(choice.files.map(find))
  if (choice.index !== undefined)
    await listing.download((await shardNames(cache.pathOf(choice.index), choice.index)).map(find))
  return { kind: 'folder', path: cache.folder }
}

async function openListing(reference: HubReference, cache: HubCache, options: HubModelOptions): Promise<HubListing> {
  const { settings, signal, onNote } = options
  const cached = await cache.files()
  const fromCache: HubListing = {
    files: cached,
    absence: `which was never downloaded; ${remedy}`,
    download: async () => {},
  }
  if (settings.offline) {
    if (holdsModel(reference, cached)) return fromCache
    throw new TesseraError(
      'network',
      `hub: HF_HUB_OFFLINE is set, and ${reference.repository} is not in ${cache.folder}; ${remedy}`,
    )
  }
  try {
    const files = await listHubFiles(reference, settings, signal, options.http)
    return {
      files,
      absence: 'but does not hold it',
      download: (wanted) => downloadFiles(wanted, cached, cache, reference, options),
    }
  } catch (error) {
    if (!isTesseraError(error, 'network') || error.details['unreachable'] !== true) throw error
    if (!holdsModel(reference, cached)) {
      const message = `${error.message}; ${reference.repository} is not in ${cache.folder}: ${remedy}`
      throw new TesseraError('network', message, { cause: error, details: error.details })
    }
    onNote?.(`${error.message}; using the copy in ${cache.folder}`)
    return fromCache
  }
}

const remedy =
  'connect once and run the command again, set HF_ENDPOINT to a mirror that can be reached, or pass the path of a model on this disk'

/** Whether the cache has all files that the reference names; shards are checked when their index is read. */
function holdsModel(reference: HubReference, cached: readonly HubFile[]): boolean {
  try {
    chooseFiles(
      reference,
      cached.map(({ path }) => path),
    )
    return true
  } catch (error) {
    // Several GGUF files: the user must name one, offline too.
    return isTesseraError(error, 'invalid-option')
  }
}

async function downloadFiles(
  wanted: readonly HubFile[],
  cached: readonly HubFile[],
  cache: HubCache,
  reference: HubReference,
  options: HubModelOptions,
): Promise<void> {
  const { settings, signal, onProgress } = options
  const missing: HubFile[] = []
  for (const file of wanted) {
    if (cached.some(({ path, hash }) => path === file.path && hash === file.hash)) continue
    if (await hasHash(cache.pathOf(file.path), file)) await cache.add(file)
    else missing.push(file)
  }
  if (missing.length === 0) return
  const totalBytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const authorization = settings.token === undefined ? {} : { authorization: `Bearer ${settings.token}` }
  let before = 0
  for (const file of missing) {
    const path = cache.pathOf(file.path)
    await checkedDownload({
      url: hubFileUrl(reference, file.path, settings),
      file,
      path,
      http: { ...options.http, headers: { ...options.http?.headers, ...authorization } },
      signal,
      checkSpace: (neededBytes) => checkSpace(cache.folder, neededBytes),
      onBytes: (doneBytes) => onProgress?.({ loadedBytes: before + doneBytes, totalBytes }),
    })
    await cache.add(file)
    before += file.sizeBytes
  }
}

/** Throws before a download of an hour rather than at its end. */
async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  if (neededBytes > freeBytes) {
    const problem = `has ${freeBytes} bytes free, but the download needs ${neededBytes}`
    throw new TesseraError('io', `hub: ${folder} ${problem}; free some, or set TESSERA_CACHE to another disk`)
  }
}

async function shardNames(path: string, index: string): Promise<readonly string[]> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new TesseraError('invalid-file', `hub: ${index} is not JSON`, { cause })
  }
  const map = (json as { weight_map?: unknown } | null)?.weight_map
  if (typeof map !== 'object' || map === null)
    throw new TesseraError('invalid-file', `hub: ${index} has no "weight_map"`)
  return [...new Set(Object.values(map).map(String))]
}
