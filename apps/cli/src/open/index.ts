export { withEncoder } from './encoder.ts'
export { configOf, encoderConfigOf, type ModelFiles, textOf, withFiles } from './files.ts'
export { loadFiles } from './load-files.ts'
export { availableMemory, describePlan, planFor } from './memory.ts'
export { contextFor, type LoadedModel, usualContext, withModel } from './model.ts'
export {
  cacheOf,
  commonOptions,
  encoderOptions,
  integer,
  type ModelArguments,
  modelOptions,
  placeOptions,
} from './options.ts'
export { readStrings, readTextFile } from './text-file.ts'
export { type ModelContent, writeModel } from './write-model.ts'
export { copiedBytes, type FolderFiles, refuseUnlessFree, writeFolder } from './write-folder.ts'
