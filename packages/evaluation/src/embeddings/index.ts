export { compareEmbeddings, type EmbeddingAgreement } from './compare-embeddings.ts'
export { rankCorrelation } from './rank-correlation.ts'
export { sampleSentences, sentencesOf, spreadOver } from './sentences.ts'
