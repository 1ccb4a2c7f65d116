import { loadCheckpoint, loadHuggingFace, type LoadOptions, type Model } from '@tessera-llm/tessera'
import type { ModelFiles } from './files.ts'

/** The model of files that are open. */
export function loadFiles({ checkpoint, folder }: ModelFiles, options: LoadOptions): Promise<Model> {
  return folder ? loadHuggingFace(folder, options) : loadCheckpoint(checkpoint, options)
}
