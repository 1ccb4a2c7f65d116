export { loadFiles } from './load-files.ts'
export { encoderConfigOf, type ModelFiles, openModelFiles, textOf } from './model-files.ts'
