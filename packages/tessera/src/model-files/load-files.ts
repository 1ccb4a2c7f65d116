import { loadCheckpoint, loadHuggingFace, type LoadOptions } from '../model/load.ts'
import type { Model } from '../model/model.ts'
import type { ModelFiles } from './model-files.ts'

/** Loads the model of open files. Notes begin with the model's name. */
export function loadFiles({ name, checkpoint, folder }: ModelFiles, options: LoadOptions): Promise<Model> {
  const { onNote } = options
  const named = { ...options, onNote: onNote && ((line: string) => onNote(`${name}: ${line}`)) }
  return folder ? loadHuggingFace(folder, named) : loadCheckpoint(checkpoint, named)
}
