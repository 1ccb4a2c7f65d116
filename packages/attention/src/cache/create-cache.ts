import { type Device, TesseraError } from '@tessera-llm/tensor'
import type { CacheKind, CacheLayer, CacheSizes, KvCache } from './cache.ts'
import { checkFork, checkSizes, checkStep, checkTruncate } from './checks.ts'
import { isRing } from './layer-rows.ts'
import type { StoredLayer } from './stored-layer.ts'

interface Held {
  readonly length: number
  /** Largest number of tokens so far: dropped tokens have overwritten rows of rings, too. */
  readonly highest: number
}

/** The part of a cache that all kinds share: bookkeeping of tokens, and checks. */
export function createCache(
  kind: CacheKind,
  device: Device,
  sizes: CacheSizes,
  createLayer: (layer: CacheLayer, sizes: CacheSizes) => StoredLayer,
  from: Held = { length: 0, highest: 0 },
): KvCache {
  checkSizes(sizes)
  const layers: StoredLayer[] = []
  const dispose = (): void => {
    for (const layer of layers) layer.dispose()
  }
  try {
    for (const layer of sizes.layers) layers.push(createLayer(layer, sizes))
  } catch (error) {
    dispose()
    throw error
  }
  const { capacity, chunkTokens = capacity } = sizes
  const mostAtOnce = sizes.layers.some((layer) => isRing(layer, sizes)) ? chunkTokens : capacity
  let { length, highest } = from

  const retainable = (wanted: number): number => {
    let kept = Math.min(wanted, length)
    // All layers recompute what one of them cannot keep; another layer may be unable to continue from there, so repeat.
    for (let before = -1; before !== kept; ) {
      before = kept
      for (const layer of layers) kept = Math.min(kept, layer.retainable(kept, highest))
    }
    return kept
  }

  return {
    kind,
    sizes,
    capacity,
    byteLength: layers.reduce((sum, { byteLength }) => sum + byteLength, 0),
    layer(index) {
      const layer = layers[index]
      if (!layer)
        throw new TesseraError(
          'invalid-value',
          `cache: there is no layer ${index}; the cache was made for ${layers.length}`,
        )
      return layer
    },
    get length() {
      return length
    },
    prepare(start, count) {
      checkStep(start, count, { length, capacity, mostAtOnce })
      const kept = retainable(start)
      if (kept < start)
        throw new TesseraError(
          'invalid-value',
          `cache: a step cannot start at ${start} any more: rows before it were overwritten or rounded; truncate(${start}) keeps ${kept} tokens, compute the others again`,
        )
      for (const layer of layers) layer.prepare?.(start, count)
      length = start + count
      highest = Math.max(highest, length)
    },
    truncate(wanted) {
      checkTruncate(wanted, length)
      length = retainable(wanted)
      if (length === 0) highest = 0
      return length
    },
    abandon(start) {
      return this.truncate(layers.some(({ packsEarlierRows }) => packsEarlierRows) ? 0 : start)
    },
    async fork(room = capacity) {
      checkFork(length, room)
      const copy = createCache(kind, device, { ...sizes, capacity: room }, createLayer, { length, highest })
      try {
        for (const [index, layer] of layers.entries()) await layer.copyTo(copy.layer(index) as StoredLayer, length)
        return copy
      } catch (error) {
        copy.dispose()
        throw error
      }
    },
    dispose,
  }
}
