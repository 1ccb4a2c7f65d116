import type { LayerCache } from './cache.ts'

/** A layer as the cache that owns it sees it. */
export interface StoredLayer extends LayerCache {
  readonly byteLength: number
  /** How many of the first `length` tokens it can go on from, when as many as `highest` were there once: `length`, or fewer. */
  retainable(length: number, highest: number): number
  /** An append also packs rows of earlier tokens: of a step that ended early some layers have packed them, and others have not. */
  readonly packsEarlierRows?: boolean
  /** Copies what the first `length` tokens need into a layer of the same kind and needs. */
  copyTo(target: StoredLayer, length: number): Promise<void>
  /** The host's part of a step; see `KvCache.prepare`. */
  prepare?(start: number, count: number): void
  dispose(): void
}
