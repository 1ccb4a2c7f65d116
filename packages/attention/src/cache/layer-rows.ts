import type { CacheLayer, CacheSizes } from './cache.ts'

/** Contiguous rows of a ring: what one pass of a decode kernel may read without a block table look-up. */
export const ringPageRows = 32

/**
 * Rows per sequence that a layer must keep: all; or with a window, those that the first token of a step sees plus those
 * that the step appends.
 */
export function layerRows({ window }: CacheLayer, { capacity, chunkTokens = capacity }: CacheSizes): number {
  if (window === undefined) return capacity
  return Math.min(capacity, Math.ceil((window - 1 + Math.min(chunkTokens, capacity)) / ringPageRows) * ringPageRows)
}

/** Whether later rows of the layer overwrite earlier ones. */
export function isRing(layer: CacheLayer, sizes: CacheSizes): boolean {
  return layerRows(layer, sizes) < sizes.capacity
}
