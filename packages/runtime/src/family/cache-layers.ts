import type { CacheLayer } from '@tessera-llm/attention'
import type { ModelConfig } from '../config/index.ts'

/** What the layers of a model need of a cache. */
export function cacheLayersOf({ numLayers, numKvHeads, headDim, windows }: ModelConfig): readonly CacheLayer[] {
  return Array.from({ length: numLayers }, (_, index) => ({ numKvHeads, headDim, window: windows?.[index] }))
}
