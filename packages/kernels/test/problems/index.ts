export * from './llama.ts'
