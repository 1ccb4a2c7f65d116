export * from './attention/index.ts'
export * from './attention-backward/index.ts'
export * from './cache/index.ts'
export * from './kv-append/index.ts'
