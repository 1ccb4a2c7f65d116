export { checkpointWeights } from './checkpoint-weights.ts'
export type { ModelWeight, ModelWeights } from './model-weights.ts'
