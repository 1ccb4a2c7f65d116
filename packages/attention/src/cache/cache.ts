import type { Tensor } from '@tessera-llm/tensor'

/** Keys and values of one layer, `[B, Hkv, capacity, D]`. */
export interface LayerCache {
  readonly k: Tensor
  readonly v: Tensor
}

/** Memory for the keys and values of a sequence. How many rows are filled is the caller's to know. */
export interface KvCache {
  /** Rows per sequence. */
  readonly capacity: number
  readonly byteLength: number
  layer(index: number): LayerCache
  /** Copies the first `rows` rows of every head into a cache of the same sizes and at least that capacity. */
  copyTo(target: KvCache, rows: number): Promise<void>
  dispose(): void
}
