export * from './divergence/index.ts'
export * from './embeddings/index.ts'
export * from './perplexity/index.ts'
export * from './statistics/index.ts'
