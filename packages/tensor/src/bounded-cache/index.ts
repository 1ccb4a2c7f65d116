export { type BoundedCache, type BoundedCacheOptions, createBoundedCache } from './bounded-cache.ts'
