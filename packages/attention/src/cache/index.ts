export type { CacheAttention, CacheKind, CacheLayer, CacheSizes, CacheStep, KvCache, LayerCache } from './cache.ts'
export { denseCache } from './dense-cache.ts'
export type { DenseDType } from './dense-layer.ts'
