import { byteLengthOf, type Device, type DType, type Shape, sizeOf, type Tensor } from '@tessera-llm/tensor'
import { attention } from '../attention/index.ts'
import { kvAppend } from '../kv-append/index.ts'
import { appendRotated } from './append-rotated.ts'
import type { CacheLayer, CacheSizes } from './cache.ts'
import { isRing, layerRows, ringPageRows } from './layer-rows.ts'
import type { StoredLayer } from './stored-layer.ts'

/** Dtypes of an unpacked cache. */
export type DenseDType = Extract<DType, 'f32' | 'f16'>

/**
 * Unpacked keys and values: contiguous, or a ring of pages if the layer's window needs fewer rows than the sequence
 * has.
 */
export interface DenseLayer extends StoredLayer {
  readonly k: Tensor
  readonly v: Tensor
}

export function denseLayerBytes(layer: CacheLayer, sizes: CacheSizes, dtype: DenseDType): number {
  const table = isRing(layer, sizes) ? (4 * sizes.batch * layerRows(layer, sizes)) / ringPageRows : 0
  return (
    table +
    [layer.headDim, layer.valueDim ?? layer.headDim].reduce(
      (sum, width) => sum + byteLengthOf(dtype, sizeOf(shapeOf(layer, sizes, width))),
      0,
    )
  )
}

/** Frees its allocations if memory runs out halfway. */
export function createDenseLayer(device: Device, layer: CacheLayer, sizes: CacheSizes, dtype: DenseDType): DenseLayer {
  const { headDim, valueDim = headDim, window } = layer
  const rows = layerRows(layer, sizes)
  const pages = rows / ringPageRows
  const tensors: Tensor[] = []
  const make = (tensor: Tensor): Tensor => {
    tensors.push(tensor)
    return tensor
  }
  const dispose = (): void => {
    for (const tensor of tensors) tensor.dispose()
  }
  try {
    const k = make(device.empty(shapeOf(layer, sizes, headDim), dtype))
    const v = make(device.empty(shapeOf(layer, sizes, valueDim), dtype))
    const blockTable = isRing(layer, sizes)
      ? make(
          device.tensor(
            Int32Array.from({ length: sizes.batch * pages }, (_, index) => index),
            [sizes.batch, pages],
          ),
        )
      : undefined
    return {
      k,
      v,
      byteLength: tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
      append(newK, newV, { start }) {
        kvAppend(k, newK, start, blockTable)
        kvAppend(v, newV, start, blockTable)
      },
      appendRotated: (heads, rotation) => appendRotated(heads, rotation, k, v, blockTable),
      attend: (q, { lengths }, options) =>
        attention(q, k, v, {
          ...options,
          isCausal: true,
          layout: 'blhd',
          kvLayout: 'bhld',
          kvLengths: lengths,
          blockTable,
          windowLeft: window === undefined ? undefined : window - 1,
          returnLse: false,
        }).o,
      // The next token sees window − 1 tokens before it; of the `highest` tokens so far, the last `rows` still exist.
      retainable: (length, highest) =>
        Math.max(0, length - (window === undefined ? highest : window - 1)) >= highest - rows ? length : 0,
      async copyTo(target, length) {
        const into = target as DenseLayer
        await copyRows(k, into.k, sizes.batch, layer.numKvHeads, length)
        await copyRows(v, into.v, sizes.batch, layer.numKvHeads, length)
      },
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

/** `[B, H, rows, D]`, or for a ring pages `[B · P, H, R, D]`. */
function shapeOf(layer: CacheLayer, sizes: CacheSizes, width: number): Shape {
  const rows = layerRows(layer, sizes)
  return isRing(layer, sizes)
    ? [(sizes.batch * rows) / ringPageRows, layer.numKvHeads, ringPageRows, width]
    : [sizes.batch, layer.numKvHeads, rows, width]
}

/** Copies the rows before `length` that exist in both. */
async function copyRows(from: Tensor, to: Tensor, batch: number, heads: number, length: number): Promise<void> {
  const values = await from.device.read(from)
  const width = from.shape[3] ?? 0
  const rowsOf = ({ shape }: Tensor): number => sizeOf(shape) / (batch * heads * width)
  const at = ({ shape }: Tensor, b: number, head: number, row: number): number => {
    const [count = 0, , pageRows = 0] = shape
    const pages = count / batch
    return (((b * pages + (Math.floor(row / pageRows) % pages)) * heads + head) * pageRows + (row % pageRows)) * width
  }
  let row = Math.max(0, length - Math.min(rowsOf(from), rowsOf(to)))
  while (row < length) {
    // Rows up to the end of a page are contiguous in both.
    const end = Math.min(length, (Math.floor(row / ringPageRows) + 1) * ringPageRows)
    for (let b = 0; b < batch; b++) {
      for (let head = 0; head < heads; head++) {
        const begin = at(from, b, head, row)
        to.device.write(to, values.subarray(begin, begin + (end - row) * width), at(to, b, head, row))
      }
    }
    row = end
  }
}
