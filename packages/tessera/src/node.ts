import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ByteSource } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { TesseraError } from '@tessera-llm/tensor'
import { openHuggingFaceFolder } from './folder/hugging-face-folder.ts'
import { load as loadPortable, loadHuggingFace, type LoadOptions } from './model/load.ts'
import type { Model } from './model/model.ts'
import { openModelSource } from './model-source/index.ts'

export * from './index.ts'
export {
  type ModelSource,
  type ModelSourceOptions,
  openModelSource,
  type SourceProgress,
} from './model-source/index.ts'
export * from './model-files/index.ts'
export * from './optimize/index.ts'
export { openHuggingFaceFolder } from './folder/hugging-face-folder.ts'

/**
 * Loads a model from a path (a GGUF file, or a folder with `config.json` and safetensors), a `file:` or http(s) URL,
 * the Hugging Face hub (`hf:owner/repo/file.gguf`, cached on disk), bytes, or a source of bytes, which stays open.
 *
 * @throws TesseraError `not-found`, `invalid-file`, `unsupported`, `network`, `out-of-memory` or `aborted`
 */
export async function load(
  source: string | URL | Blob | Uint8Array | ByteSource,
  options: LoadOptions = {},
): Promise<Model> {
  if (typeof source === 'string' && source.startsWith('hf:')) {
    const { signal, http, onProgress } = options
    const found = await openModelSource(source, {
      signal,
      http,
      onProgress: onProgress && ((progress) => onProgress({ phase: 'download', ...progress })),
    })
    return found.kind === 'folder' ? loadFolder(found.path, options) : loadAndClose(found.source, options)
  }
  const path = localPath(source)
  if (path === undefined) return loadPortable(source, options)
  return (await isFolder(path)) ? loadFolder(path, options) : loadAndClose(await fileSource(path), options)
}

async function loadAndClose(source: ByteSource, options: LoadOptions): Promise<Model> {
  try {
    return await loadPortable(source, options)
  } finally {
    await source.close()
  }
}

async function loadFolder(path: string, options: LoadOptions): Promise<Model> {
  const files = await openHuggingFaceFolder(path)
  try {
    return await loadHuggingFace(files, options)
  } finally {
    await files.checkpoint.close()
  }
}

function localPath(source: unknown): string | undefined {
  if (source instanceof URL) return source.protocol === 'file:' ? fileURLToPath(source) : undefined
  if (typeof source !== 'string' || /^https?:/.test(source)) return undefined
  return source.startsWith('file:') ? fileURLToPath(source) : source
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new TesseraError('not-found', `load: there is nothing at ${path}`, { cause })
  }
}
