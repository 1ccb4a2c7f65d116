import { type ModelFiles, openModelFiles } from '../model-files/index.ts'
import type { Listeners } from './listeners.ts'

/** Opens a model, downloading it if it is remote, and closes it after `use`. */
export async function withModelFiles<T>(
  name: string,
  { onProgress, onNote, signal }: Listeners,
  use: (files: ModelFiles) => Promise<T>,
): Promise<T> {
  const files = await openModelFiles(name, {
    signal,
    onNote,
    onProgress: ({ loadedBytes, totalBytes }) =>
      onProgress?.({ phase: 'downloading', done: loadedBytes, total: totalBytes }),
  })
  try {
    return await use(files)
  } finally {
    await files.checkpoint.close()
  }
}
