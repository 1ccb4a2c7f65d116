import type { CacheLayer, CacheSizes } from './cache.ts'

/** Rows that lie together in a ring: what one pass of a decode kernel may read without asking where it is. */
export const ringPageRows = 32

/** Rows of a sequence that a layer must keep: all, or with a window those that the first token of a step sees and those that the step appends. */
export function layerRows({ window }: CacheLayer, { capacity, chunkTokens = capacity }: CacheSizes): number {
  if (window === undefined) return capacity
  return Math.min(capacity, Math.ceil((window - 1 + Math.min(chunkTokens, capacity)) / ringPageRows) * ringPageRows)
}

/** Whether later rows of the layer take the places of earlier ones. */
export function isRing(layer: CacheLayer, sizes: CacheSizes): boolean {
  return layerRows(layer, sizes) < sizes.capacity
}
