export type {
  CacheAttention,
  CacheKind,
  CacheLayer,
  CacheRotation,
  CacheSizes,
  CacheStep,
  KvCache,
  LayerCache,
} from './cache.ts'
export { denseCache } from './dense-cache.ts'
export type { DenseDType } from './dense-layer.ts'
export { createPagePool, type PagePool, type PagePoolOptions } from './paged/index.ts'
export { quantizedCache, type QuantizedCacheOptions } from './quantized-cache.ts'
