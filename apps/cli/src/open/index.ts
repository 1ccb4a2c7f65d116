export { withEncoder } from './encoder.ts'
export { configOf, withFiles } from './files.ts'
export { encoderConfigOf, type ModelFiles, textOf } from '@tessera-llm/tessera/node'
export { availableMemory, describePlan, planFor } from './memory.ts'
export { contextFor, type LoadedModel, usualContext, usualWindow, withModel } from './model.ts'
export {
  cacheOf,
  commonOptions,
  encoderOptions,
  decimal,
  integer,
  kindOf,
  type ModelArguments,
  modelOptions,
  placeOptions,
} from './options.ts'
export { readStrings, readTextFile } from './text-file.ts'
export { type ModelContent, writeModel } from './write-model.ts'
