import { TesseraError } from '@tessera-llm/tensor'
import { groupFormat, groupSize, rowFormat } from '../kv-format/index.ts'
import type { CacheKind, CacheLayer, CacheSizes } from './cache.ts'
import { createCache } from './create-cache.ts'
import { createDenseLayer, denseLayerBytes } from './dense-layer.ts'
import { createPackedLayer, packedLayerBytes, type PackedKind } from './packed-layer.ts'

const leastExact = { int8: 0, fp8: 0, int4: 32, int2: 128 } as const

/** Longest window, in tokens, of a layer that is not worth packing. */
const longestDenseWindow = 1024

/** Options of `quantizedCache`. */
export interface QuantizedCacheOptions {
  /**
   * Least number of tokens at the end of the sequence that stay in f16: of `int8` only their keys. Default 0 for
   * `int8`, 32 for `int4`, 128 for `int2`.
   */
  readonly exactTokens?: number | undefined
}

/**
 * Cache of packed keys and values, decoded inside the attention kernels. `int8`, `int4` and `int2` follow KIVI (Liu et
 * al. 2024, arXiv 2402.02750): keys by channel over 32 tokens, because a few channels are many times as large as the
 * others; values by token over 32 channels, except `int8` with one scale per row. They take 8.75, 5 and 3 bits at head
 * size 64, plus an f16 ring for the last tokens. `fp8` (e4m3, a power of two per row) has larger errors than `int8`.
 * Layers with a window of at most 1024 tokens stay f16: as rings they hold few rows.
 */
export function quantizedCache(
  name: 'int8' | 'fp8' | 'int4' | 'int2',
  { exactTokens = leastExact[name] }: QuantizedCacheOptions = {},
): CacheKind {
  if (!Number.isSafeInteger(exactTokens) || exactTokens < 0)
    throw new TesseraError('invalid-option', `cache: exactTokens must be an integer of at least 0, not ${exactTokens}`)
  const kindOf = ({ capacity, chunkTokens = capacity }: CacheSizes): PackedKind => {
    if (name === 'fp8') return { keys: rowFormat(name), values: rowFormat(name), exactTokens: 0 }
    // Tokens not in groups yet: those that stay exact, an incomplete group, and those of a step.
    const recentRows = Math.ceil((exactTokens + groupSize + Math.min(chunkTokens, capacity)) / groupSize) * groupSize
    if (name === 'int8') return { keys: groupFormat(8, 'channel', recentRows), values: rowFormat(name), exactTokens }
    const bits = name === 'int4' ? 4 : 2
    return {
      keys: groupFormat(bits, 'channel', recentRows),
      values: groupFormat(bits, 'token', recentRows),
      exactTokens,
    }
  }
  const kind: CacheKind = {
    name,
    create: (device, sizes) =>
      createCache(kind, device, sizes, (layer, all) =>
        staysDense(layer)
          ? createDenseLayer(device, layer, all, 'f16')
          : createPackedLayer(device, layer, all, kindOf(all)),
      ),
    // The reference device stores float64: four times f16, twice words.
    byteLength: (sizes, device) =>
      sizes.layers.reduce(
        (sum, layer) =>
          sum +
          (staysDense(layer)
            ? denseLayerBytes(layer, sizes, 'f16') * (device === 'reference' ? 4 : 1)
            : packedLayerBytes(layer, sizes, kindOf(sizes)) * (device === 'reference' ? 2 : 1)),
        0,
      ),
  }
  return kind
}

function staysDense({ window }: CacheLayer): boolean {
  return window !== undefined && window <= longestDenseWindow
}
