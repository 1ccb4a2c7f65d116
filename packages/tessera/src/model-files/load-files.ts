import { loadCheckpoint, loadHuggingFace, type LoadOptions } from '../model/load.ts'
import type { Model } from '../model/model.ts'
import type { ModelFiles } from './model-files.ts'

/** The model of files that are open. */
export function loadFiles({ checkpoint, folder }: ModelFiles, options: LoadOptions): Promise<Model> {
  return folder ? loadHuggingFace(folder, options) : loadCheckpoint(checkpoint, options)
}
