import type { LayerCache } from './cache.ts'

/** A layer, with what its cache needs beside `LayerCache`. */
export interface StoredLayer extends LayerCache {
  readonly byteLength: number
  /**
   * Returns how many of the first `length` tokens the layer can continue from after `highest` tokens: `length`, or
   * fewer.
   */
  retainable(length: number, highest: number): number
  /**
   * Whether an append also packs rows of earlier tokens, so that an abandoned step leaves layers in different states.
   */
  readonly packsEarlierRows?: boolean
  /** Copies the state of the first `length` tokens into a layer of the same kind and sizes. */
  copyTo(target: StoredLayer, length: number): Promise<void>
  /** Host part of a step; see `KvCache.prepare`. */
  prepare?(start: number, count: number): void
  dispose(): void
}
