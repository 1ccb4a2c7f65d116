import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { httpSource } from '@tessera-llm/formats'
import type { ByteSource, HttpOptions } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { TesseraError } from '@tessera-llm/tensor'
import type { HubReference } from './hub-reference.ts'
import { hubReferenceOfUrl, parseHubReference } from './hub-reference.ts'
import { hubSettings } from './hub-settings.ts'

/** An open model: a GGUF file, or a folder with config.json and safetensors. */
export type ModelSource =
  | { readonly kind: 'gguf'; readonly source: ByteSource }
  | { readonly kind: 'folder'; readonly path: string }

/** Progress of a download in bytes. */
export interface SourceProgress {
  readonly loadedBytes: number
  readonly totalBytes: number
}

/** Options of `openModelSource`. */
export interface ModelSourceOptions {
  readonly signal?: AbortSignal | undefined
  /** Receives the progress of a download into the cache; never called for files on disk. */
  readonly onProgress?: ((progress: SourceProgress) => void) | undefined
  /** Receives a line for people. */
  readonly onNote?: ((line: string) => void) | undefined
  /** Default: `process.env`. Reads HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and TESSERA_CACHE. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly http?: HttpOptions | undefined
}

/**
 * Opens a model by name: a path, an http(s) URL (read by ranges, not stored), or `hf:owner/repo[/file.gguf]`
 * (downloaded into the cache). The caller closes the source.
 *
 * @throws TesseraError `not-found`, `invalid-option`, `network`, `io` or `aborted`; each message names the remedy
 */
export async function openModelSource(model: string, options: ModelSourceOptions = {}): Promise<ModelSource> {
  const { signal } = options
  if (model.startsWith('hf:')) return openHub(parseHubReference(model), options)
  if (/^https?:\/\//.test(model)) {
    const onHub = hubReferenceOfUrl(model, hubSettings(options.env ?? process.env).endpoint)
    if (onHub !== undefined) return openHub(onHub, options)
    return {
      kind: 'gguf',
      source: await httpSource(model, { ...options.http, ...(signal === undefined ? {} : { signal }) }),
    }
  }
  return openPath(model)
}

async function openHub(reference: HubReference, options: ModelSourceOptions): Promise<ModelSource> {
  // The hub's library takes some 40 ms to import; a model on disk does not need it.
  const { fetchHubModel } = await import('./hub-model.ts')
  const found = await fetchHubModel(reference, { ...options, settings: hubSettings(options.env ?? process.env) })
  return found.kind === 'folder'
    ? { kind: 'folder', path: found.path }
    : { kind: 'gguf', source: await fileSource(found.path) }
}

async function openPath(path: string): Promise<ModelSource> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) {
    const hint = /^[\w.-]+\/[\w.-]+(\/.*)?$/.test(path) ? `; a model of the hub is written hf:${path}` : ''
    throw new TesseraError('not-found', `there is no file or folder ${path}${hint}`)
  }
  if (found.isDirectory()) return { kind: 'folder', path }
  const name = basename(path)
  if (name === 'model.safetensors' || name === 'model.safetensors.index.json')
    return { kind: 'folder', path: dirname(path) }
  if (name.endsWith('.safetensors')) {
    throw new TesseraError(
      'invalid-option',
      `${path} is not a whole model; pass the folder that holds config.json and the safetensors files`,
    )
  }
  return { kind: 'gguf', source: await fileSource(path) }
}
