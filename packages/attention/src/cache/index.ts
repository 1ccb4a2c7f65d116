export type { KvCache, LayerCache } from './cache.ts'
export { type ContiguousCacheOptions, createContiguousCache } from './contiguous.ts'
