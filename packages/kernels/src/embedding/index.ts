export {
  type EmbeddingInputs,
  embedding,
  embeddingOp,
  type EmbeddingOptions,
  type EmbeddingOutputs,
} from './contract.ts'
