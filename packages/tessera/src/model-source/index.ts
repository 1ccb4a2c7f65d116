export type { ModelSource, ModelSourceOptions, SourceProgress } from './model-source.ts'
export { openModelSource } from './model-source.ts'
