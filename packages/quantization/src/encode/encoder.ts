import { type Device, lastAxis, rowsOf, type Shape } from '@tessera-llm/tensor'
import { rowBytesOf } from '../format/block-format.ts'
import { checkImportance, checkValues, type EncodableFormat, type EncodeOptions } from '../format/encodable-format.ts'
import { blockTypeOf, encodeBlocksOp } from './contract.ts'

/** Rounds values to a format, as `format.encode`: the same bytes, the same errors, in whatever way is fast. */
export type Encode = (
  format: EncodableFormat,
  values: Float32Array,
  shape: Shape,
  options?: EncodeOptions,
) => Promise<Readonly<Record<string, Uint8Array>>>

/** The same at once, for methods that encode as they go. */
export type EncodeNow = (...of: Parameters<Encode>) => Awaited<ReturnType<Encode>>

/** `format.encode`, on the calling thread. */
export const encodePlain: Encode = async (format, values, shape, options) => format.encode(values, shape, options)

/** Values that are on the device at a time: enough for threads to share, little beside a weight. */
const sliceValues = 2 ** 22

/**
 * Encodes ggml's types on the device's threads, some rows at a time. The device needs `encodeBlocksWasm` among its
 * kernels.
 */
export function createDeviceEncoder(device: Device): Encode {
  return async (format, values, shape, { importance } = {}) => {
    const columns = lastAxis(shape)
    const rows = rowsOf(shape)
    const rowBytes = rowBytesOf(blockTypeOf(format.id), shape)
    checkValues(format.id, values, shape)
    if (importance) checkImportance(format.id, importance, columns)
    const out = new Uint8Array(rows * rowBytes)
    const step = Math.max(1, Math.floor(sliceValues / columns))
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row)
      const blocks = device.scope(({ keep }) => {
        const slice = device.tensor(values.subarray(row * columns, (row + count) * columns), [count, columns])
        return keep(
          device.run(
            encodeBlocksOp,
            { values: slice, importance: importance && device.tensor(importance, [columns]) },
            { format: format.id },
          ).blocks,
        )
      })
      try {
        out.set((await device.read(blocks)) as Uint8Array, row * rowBytes)
      } finally {
        blocks.dispose()
      }
    }
    return { blocks: out }
  }
}
