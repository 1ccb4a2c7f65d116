export { compareEmbeddings, type EmbeddingAgreement } from './compare-embeddings.ts'
export { rankCorrelation } from './rank-correlation.ts'
export { sentencesOf, spreadOver } from './sentences.ts'
