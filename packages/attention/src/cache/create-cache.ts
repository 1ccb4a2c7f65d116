import { type Device, TesseraError } from '@tessera-llm/tensor'
import type { CacheKind, CacheLayer, CacheSizes, KvCache } from './cache.ts'
import { isRing } from './layer-rows.ts'
import type { StoredLayer } from './stored-layer.ts'

interface Held {
  readonly length: number
  /** Tokens that were once there: those given up since have overwritten rows of rings, too. */
  readonly highest: number
}

/** The part of a cache that is the same for all kinds: which tokens are there, and what may be asked of them. */
export function createCache(kind: CacheKind, device: Device, sizes: CacheSizes, createLayer: (layer: CacheLayer, sizes: CacheSizes) => StoredLayer, from: Held = { length: 0, highest: 0 }): KvCache {
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
    // What one layer cannot keep, all compute again; that may be a place where another layer cannot go on.
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
      if (!layer) throw new TesseraError('invalid-value', `cache: there is no layer ${index}; the cache was made for ${layers.length}`)
      return layer
    },
    get length() {
      return length
    },
    prepare(start, count) {
      if (!Number.isInteger(start) || start < 0 || start > length) throw new TesseraError('invalid-value', `cache: a step cannot start at ${start}; the cache holds ${length} tokens, and steps append to them`)
      if (!Number.isInteger(count) || count < 1 || count > mostAtOnce) throw new TesseraError('invalid-value', `cache: a step of ${count} tokens; this cache takes 1 to ${mostAtOnce} at once (chunkTokens)`)
      if (start + count > capacity) throw new TesseraError('context-full', `cache: ${start + count} tokens do not fit a cache of ${capacity}; fork it with more room`)
      const kept = retainable(start)
      if (kept < start) throw new TesseraError('invalid-value', `cache: a step cannot start at ${start} any more: rows before it were overwritten or rounded; truncate(${start}) keeps ${kept} tokens, compute the others again`)
      for (const layer of layers) layer.prepare?.(start, count)
      length = start + count
      highest = Math.max(highest, length)
    },
    truncate(wanted) {
      if (!Number.isInteger(wanted) || wanted < 0 || wanted > length) throw new TesseraError('invalid-value', `cache: truncate(${wanted}) must be between 0 and the ${length} tokens in the cache`)
      length = retainable(wanted)
      if (length === 0) highest = 0
      return length
    },
    async fork(room = capacity) {
      if (length > room) throw new TesseraError('context-full', `cache: ${length} tokens do not fit a fork of ${room}`)
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

function checkSizes({ layers, batch, capacity, chunkTokens = capacity }: CacheSizes): void {
  for (const [name, value] of Object.entries({ batch, capacity, chunkTokens })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new TesseraError('invalid-option', `cache: ${name} must be a positive integer, not ${value}`)
  }
  for (const [index, { numKvHeads, headDim, valueDim = headDim, window = 1 }] of layers.entries()) {
    for (const [name, value] of Object.entries({ numKvHeads, headDim, valueDim, window })) {
      if (!Number.isSafeInteger(value) || value < 1) throw new TesseraError('invalid-option', `cache: ${name} of layer ${index} must be a positive integer, not ${value}`)
    }
  }
}
