export { createEmbedder, type Embedder, type EmbedderOptions, type EmbedOptions } from './embedder.ts'
export { packSequences } from './pack-sequences.ts'
export {
  plainSentenceConfig,
  poolingFolder,
  type Pooling,
  type SentenceConfig,
  sentenceConfigFrom,
  sentenceConfigFromGguf,
  type SentenceFiles,
} from './sentence-config.ts'
