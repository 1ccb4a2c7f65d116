import { TesseraError } from '@tessera-llm/tensor'
import { groupFormat, groupSize, type KvFormat, rowFormat } from '../kv-format/index.ts'
import type { CacheKind, CacheLayer, CacheSizes } from './cache.ts'
import { createCache } from './create-cache.ts'
import { createDenseLayer, denseLayerBytes } from './dense-layer.ts'
import { createPackedLayer, packedLayerBytes, type PackedKind } from './packed-layer.ts'

/** Longest window, in tokens, of a layer that is not worth packing. */
const longestDenseWindow = 1024

export interface QuantizedCacheOptions {
  /** Of `int4` and `int2`: tokens at the end of the sequence that stay in f16, at least. Default 32 and 128. */
  readonly exactTokens?: number | undefined
}

/**
 * Packed keys and values, decoded inside the attention kernels. `int8` (a scale a row; 8.5 bits at head size 64) costs next to nothing; `fp8` (e4m3,
 * a power of two a row) rounds more. `int4` and `int2` are KIVI (Liu et al. 2024, arXiv 2402.02750): keys by channel over 32 tokens, values by token over 32
 * channels, 5 and 3 bits, and an f16 ring for the last tokens. Layers with a window of at most 1024 tokens stay f16: as rings they hold few rows.
 */
export function quantizedCache(name: 'int8' | 'fp8' | 'int4' | 'int2', { exactTokens = name === 'int4' ? 32 : 128 }: QuantizedCacheOptions = {}): CacheKind {
  if (!Number.isSafeInteger(exactTokens) || exactTokens < 0) throw new TesseraError('invalid-option', `cache: exactTokens must be an integer of at least 0, not ${exactTokens}`)
  const kindOf = ({ capacity, chunkTokens = capacity }: CacheSizes): PackedKind => {
    if (name === 'int8' || name === 'fp8') return { keys: rowFormat(name), values: rowFormat(name), exactTokens: 0 }
    // Tokens that are in no group yet: those that stay exact, those short of a group, and those of a step.
    const recentRows = Math.ceil((exactTokens + groupSize + Math.min(chunkTokens, capacity)) / groupSize) * groupSize
    const formatOf = (along: 'channel' | 'token'): KvFormat => groupFormat(name === 'int4' ? 4 : 2, along, recentRows)
    return { keys: formatOf('channel'), values: formatOf('token'), exactTokens }
  }
  const kind: CacheKind = {
    name,
    create: (device, sizes) => createCache(kind, device, sizes, (layer, all) => (staysDense(layer) ? createDenseLayer(device, layer, all, 'f16') : createPackedLayer(device, layer, all, kindOf(all)))),
    // The reference device keeps float64: four times f16, twice words.
    byteLength: (sizes, device) => sizes.layers.reduce((sum, layer) => sum + (staysDense(layer) ? denseLayerBytes(layer, sizes, 'f16') * (device === 'reference' ? 4 : 1) : packedLayerBytes(layer, sizes, kindOf(sizes)) * (device === 'reference' ? 2 : 1)), 0),
  }
  return kind
}

function staysDense({ window }: CacheLayer): boolean {
  return window !== undefined && window <= longestDenseWindow
}
