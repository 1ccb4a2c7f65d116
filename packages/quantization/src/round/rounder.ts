import type { Device } from '@tessera-llm/tensor'
import { checkImportance, firstNonFinite } from '../format/encodable-format.ts'
import { checkGrid, checkSize, type WeightMatrix } from '../method/matrix/index.ts'
import { rtn, type RtnOptions } from '../method/rtn/index.ts'
import { type Grid, groupColumns, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { roundGroupsOp, type RoundGroupsOptions } from './contract.ts'

/** Rounds a weight to nearest, as `rtn`: the same matrix, the same errors, in whatever way is fast. */
export type Round = (weight: WeightMatrix, grid: Grid, options?: RtnOptions) => Promise<QuantizedMatrix>

/** `rtn`, on the calling thread. */
export const roundPlain: Round = async (weight, grid, options) => rtn(weight, grid, options)

/** Values that are on the device at a time: enough for threads to share, little beside a weight. */
const sliceValues = 2 ** 22

/**
 * Rounds to integers by searched scales on the device's threads, some rows at a time; tables, one scale for a whole
 * weight, groups that do not divide the columns, and scales by the range, which is quick, are left to `rtn`. The device
 * needs `roundGroupsWasm` among its kernels.
 */
export function createDeviceRounder(device: Device): Round {
  return async (weight, grid, options = {}) => {
    const rounding = roundingOf(weight, grid, options)
    if (!rounding) return rtn(weight, grid, options)
    checkSize('rtn', weight)
    checkGrid('rtn', grid)
    const { importance } = options
    const { values, shape } = weight
    const [rows, columns] = shape
    if (importance) checkImportance('rtn', importance, columns)
    const groups = columns / rounding.width
    const [codes, scales, zeros] = [
      new Uint8Array(values.length),
      new Float32Array(rows * groups),
      new Float32Array(rows * groups),
    ]
    const step = Math.max(1, Math.floor(sliceValues / columns))
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row)
      const made = device.scope(({ keep }) => {
        const slice = device.tensor(values.subarray(row * columns, (row + count) * columns), [count, columns])
        const outputs = device.run(
          roundGroupsOp,
          { values: slice, importance: importance && device.tensor(importance, [columns]) },
          rounding,
        )
        return { codes: keep(outputs.codes), scales: keep(outputs.scales), zeros: keep(outputs.zeros) }
      })
      try {
        codes.set((await device.read(made.codes)) as Uint8Array, row * columns)
        scales.set((await device.read(made.scales)) as Float32Array, row * groups)
        zeros.set((await device.read(made.zeros)) as Float32Array, row * groups)
      } finally {
        for (const tensor of Object.values(made)) tensor.dispose()
      }
    }
    // A value that is not finite, or a scale that its type cannot hold: what becomes of it, or the error that names it,
    // is the reference's.
    if (firstNonFinite(scales) >= 0) return rtn(weight, grid, options)
    return { shape, grid, codes, scales, zeros: rounding.isSymmetric ? undefined : zeros }
  }
}

/** Undefined for what the kernel does not do. */
function roundingOf(
  { shape: [rows, columns] }: WeightMatrix,
  grid: Grid,
  { scale = 'search' }: RtnOptions,
): RoundGroupsOptions | undefined {
  if (
    grid.kind !== 'integer' ||
    scale !== 'search' ||
    grid.group === 'tensor' ||
    grid.scaleType === 'e8m0' ||
    rows === 0
  )
    return undefined
  const width = groupColumns(grid, columns)
  return columns > 0 && columns % width === 0
    ? { bits: grid.bits, width, isSymmetric: grid.isSymmetric, scaleType: grid.scaleType }
    : undefined
}
