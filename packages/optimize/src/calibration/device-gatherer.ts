import { add, addColumnSums, addColumnSumsOp, addProduct, addProductOp, scale } from '@tessera-llm/kernels'
import { type Device, reshape, rowsOf, type Tensor } from '@tessera-llm/tensor'
import { checkSums, type Gatherer, type GathererOptions } from './gatherer.ts'

/**
 * A gatherer that also accumulates on the device, on all of its threads, to the same sums as the host gatherer;
 * undefined if the device lacks the kernels.
 */
export function createDeviceGatherer(
  device: Device,
  { site, columns, products }: GathererOptions,
): Gatherer | undefined {
  const sums = device.tensor(new Float64Array(3 * columns), [3, columns])
  const largest = device.tensor(new Float32Array(columns), [columns])
  const square = (): Tensor => device.tensor(new Float64Array(columns * columns), [columns, columns])
  const total = products ? square() : undefined
  let mismatch: Tensor | undefined
  let count = 0
  const dispose = (): void => {
    for (const tensor of [sums, largest, total, mismatch]) tensor?.dispose()
  }
  const isHere = device.scope(() => {
    const x = device.empty([1, columns], 'f32')
    return [
      device.explain(addColumnSumsOp, { x, sums, largest }, {}),
      ...(total ? [device.explain(addProductOp, { left: x, right: x, total }, { isUpper: true })] : []),
    ].every(({ kernel }) => kernel !== undefined)
  })
  if (!isHere) {
    dispose()
    return undefined
  }
  return {
    async add(x, original) {
      const rows = rowsOf(x.shape)
      device.scope(() => {
        const flat = reshape(x, [rows, columns])
        addColumnSums(flat, sums, largest)
        if (total) addProduct(flat, flat, total, { isUpper: true })
      })
      checkSums(((await device.read(sums)) as Float64Array).subarray(0, columns), site)
      if (original) {
        mismatch ??= square()
        device.scope(() => {
          const flat = reshape(x, [rows, columns])
          const difference = add(reshape(original, flat.shape), scale(flat, { factor: -1 }))
          addProduct(difference, flat, mismatch as Tensor)
        })
      }
      count += rows
    },
    async statistics() {
      const f32 = async (tensor: Tensor): Promise<Float32Array> =>
        Float32Array.from((await device.read(tensor)) as Float32Array | Float64Array)
      const all = await f32(sums)
      return {
        columns,
        count,
        secondMoment: total && mirrored((await device.read(total)) as Float64Array, columns),
        sum: all.slice(0, columns),
        squares: all.slice(columns, 2 * columns),
        absSum: all.slice(2 * columns),
        absMax: await f32(largest),
        mismatch: mismatch && (await f32(mismatch)),
      }
    },
    dispose,
  }
}

/** Mirrors the upper triangle to the full matrix. */
function mirrored(upper: Float64Array, columns: number): Float32Array {
  const out = new Float32Array(columns * columns)
  for (let row = 0; row < columns; row++) {
    for (let column = row; column < columns; column++) {
      const value = upper[row * columns + column] as number
      out[row * columns + column] = value
      out[column * columns + row] = value
    }
  }
  return out
}
