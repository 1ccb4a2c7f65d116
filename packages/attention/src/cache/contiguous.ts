import type { Device, DType, Tensor } from '@tessera-llm/tensor'
import type { KvCache, LayerCache } from './cache.ts'

export interface ContiguousCacheOptions {
  readonly numLayers: number
  readonly batch: number
  readonly numKvHeads: number
  readonly headDim: number
  /** Value head size; that of the keys when absent. */
  readonly valueDim?: number | undefined
  /** Rows per sequence. */
  readonly capacity: number
  /** Storage of keys and values; f16 halves the bytes. Default f32. */
  readonly dtype?: Extract<DType, 'f32' | 'f16'> | undefined
}

/** Keys and values f32 or f16[B, Hkv, capacity, D] for each layer: a head's rows lie next to each other, as decode reads them. */
export function createContiguousCache(device: Device, options: ContiguousCacheOptions): KvCache {
  const { numLayers, batch, numKvHeads, headDim, valueDim = headDim, capacity, dtype = 'f32' } = options
  const layers: LayerCache[] = []
  try {
    for (let index = 0; index < numLayers; index++) {
      const k = device.empty([batch, numKvHeads, capacity, headDim], dtype)
      layers.push({ k, v: k })
      layers[index] = { k, v: device.empty([batch, numKvHeads, capacity, valueDim], dtype) }
    }
  } catch (error) {
    for (const { k, v } of layers) for (const tensor of [k, v]) tensor.dispose()
    throw error
  }
  return {
    capacity,
    byteLength: layers.reduce((sum, { k, v }) => sum + k.byteLength + v.byteLength, 0),
    layer: (index) => layers[index] as LayerCache,
    async copyTo(target, rows) {
      for (const [index, { k, v }] of layers.entries()) {
        const into = target.layer(index)
        await copyRows(k, into.k, rows)
        await copyRows(v, into.v, rows)
      }
    },
    dispose() {
      for (const { k, v } of layers) for (const tensor of [k, v]) tensor.dispose()
    },
  }
}

async function copyRows(from: Tensor, to: Tensor, rows: number): Promise<void> {
  const [batch = 0, heads = 0, capacity = 0, width = 0] = from.shape
  const target = to.shape[2] ?? 0
  const values = await from.device.read(from)
  for (let head = 0; head < batch * heads; head++) {
    to.device.write(to, values.subarray(head * capacity * width, (head * capacity + rows) * width), head * target * width)
  }
}
