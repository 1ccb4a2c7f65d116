import type { CacheLayer } from '@tessera-llm/attention'
import type { ModelConfig } from '../config/index.ts'

/** Cache requirements of a model's layers. */
export function cacheLayersOf({ numLayers, numKvHeads, headDim, windows }: ModelConfig): readonly CacheLayer[] {
  return Array.from({ length: numLayers }, (_, index) => ({ numKvHeads, headDim, window: windows?.[index] }))
}
