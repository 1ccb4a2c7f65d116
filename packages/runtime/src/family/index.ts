export { cacheLayersOf } from './cache-layers.ts'
export { llamaFamily } from './llama.ts'
export type { ForwardOptions, LanguageModel, ModelFamily, StepInputs, WeightSource } from './model.ts'
