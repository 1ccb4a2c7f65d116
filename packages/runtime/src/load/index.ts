export { loadEncoder, type LoadEncoderOptions, readEncoderConfig } from './load-encoder.ts'
export { architectureOf, familyOf, loadModel, type LoadModelOptions, readModelConfig } from './load-model.ts'
export { checkMemory, type MemoryPlan, type MemoryPlanOptions, planMemory } from './memory-plan.ts'
export { createWeightSource, type LoadProgress, predictWeightBytes, type WeightLoadOptions } from './weights.ts'
