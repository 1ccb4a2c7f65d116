import { decodeElements, denseSpec, encodeElements, formatShape, sizeOf, type Op, specBytes, type Tensor, TesseraError } from '@tessera-llm/tensor'

export type KvAppendInputs = { readonly cache: Tensor; readonly x: Tensor; readonly positions: Tensor }

/**
 * `cache[b, h, positions[b] + i, :] = x[b, i, h, :]`: cache f32 or f16[B, H, C, D] (written in place; f16 rounds to nearest, ties to
 * even), x f32[B, L, H, D], positions i32[B]. Rows outside 0 … C − 1 are dropped.
 */
export const kvAppendOp: Op<KvAppendInputs, Record<string, never>, Record<string, never>> = {
  id: 'kv-append',
  version: 1,
  package: '@tessera-llm/attention',
  writes: ['cache'],
  validate(inputs) {
    const cache = denseSpec(inputs.cache, 'kv-append', 'cache')
    const x = denseSpec(inputs.x, 'kv-append', 'x')
    const positions = denseSpec(inputs.positions, 'kv-append', 'positions')
    const [batch = 0, heads = 0, , width = 0] = cache.shape
    if ((cache.dtype !== 'f32' && cache.dtype !== 'f16') || x.dtype !== 'f32' || positions.dtype !== 'i32') throw new TesseraError('invalid-dtype', `kv-append: cache must be f32 or f16, x f32 and positions i32, not ${cache.dtype}, ${x.dtype} and ${positions.dtype}`)
    if (cache.shape.length !== 4 || x.shape.length !== 4 || x.shape[0] !== batch || x.shape[2] !== heads || x.shape[3] !== width) {
      throw new TesseraError('invalid-shape', `kv-append: x must be [B, L, H, D] of the cache [B, H, C, D], not ${formatShape(x.shape)} and ${formatShape(cache.shape)}`)
    }
    if (positions.shape.join() !== String(batch)) throw new TesseraError('invalid-shape', `kv-append: positions must be ${formatShape([batch])}, not ${formatShape(positions.shape)}`)
    return {}
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost: ({ inputs }) => ({ flops: 0, bytesRead: 4 * sizeOf(inputs.x.shape), bytesWritten: (specBytes(inputs.cache) / Math.max(1, sizeOf(inputs.cache.shape))) * sizeOf(inputs.x.shape) }),
  reference({ cache, x, positions }) {
    const [batch = 0, heads = 0, capacity = 0, width = 0] = cache.shape
    const length = x.shape[1] ?? 0
    const stored = cache.dtype === 'f16' ? decodeElements(encodeElements(x.data, 'f16'), 'f16', x.data.length) : x.data
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < length; i++) {
        const row = (positions.data[b] as number) + i
        if (row < 0 || row >= capacity) continue
        for (let h = 0; h < heads; h++) {
          const from = ((b * length + i) * heads + h) * width
          cache.data.set(stored.subarray(from, from + width), ((b * heads + h) * capacity + row) * width)
        }
      }
    }
    return {}
  },
}

export function kvAppend(cache: Tensor, x: Tensor, positions: Tensor): void {
  cache.device.run(kvAppendOp, { cache, x, positions }, {})
}
