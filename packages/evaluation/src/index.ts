export * from './perplexity/index.ts'
