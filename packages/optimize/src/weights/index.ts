export { checkpointWeights } from './checkpoint-weights.ts'
export type { ModelWeight, ModelWeights } from './model-weights.ts'
export { blocksReader, type ReadBlocks, type StoredBlocks, withBlocks } from './stored-blocks.ts'
