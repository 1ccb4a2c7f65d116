export { llamaFamily } from './llama.ts'
export type { ForwardOptions, LanguageModel, ModelFamily, StepInputs, WeightSource } from './model.ts'
