import type { CacheKind } from './cache.ts'
import { createCache } from './create-cache.ts'
import { createDenseLayer, type DenseDType, denseLayerBytes } from './dense-layer.ts'

/**
 * Cache of unpacked keys and values: f32, or rounded to f16 in half the bytes. Layers with a window are rings of as
 * many rows as they need.
 */
export function denseCache(dtype: DenseDType): CacheKind {
  const kind: CacheKind = {
    name: dtype,
    create: (device, sizes) =>
      createCache(kind, device, sizes, (layer, all) => createDenseLayer(device, layer, all, dtype)),
    byteLength(sizes, device) {
      const bytes = sizes.layers.reduce((sum, layer) => sum + denseLayerBytes(layer, sizes, dtype), 0)
      // The reference device stores float64 for every dtype.
      return device === 'reference' ? (bytes * 8) / (dtype === 'f16' ? 2 : 4) : bytes
    },
  }
  return kind
}
