import type { Device, Tensor } from '@tessera-llm/tensor'
import { decodeBlocksOp } from '../decode/index.ts'
import { blockTypeOf } from '../encode/contract.ts'
import { blocksOf, rowBytesOf } from '../format/block-format.ts'
import { checkImportance, firstNonFinite } from '../format/encodable-format.ts'
import { checkGrid, checkSize, type WeightMatrix } from '../method/matrix/index.ts'
import { rtn, type RtnOptions } from '../method/rtn/index.ts'
import { type Grid, groupColumns, matrixOfWords, type QuantizedMatrix } from '../quantized-matrix/index.ts'
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
    const [, columns] = shape
    if (importance) checkImportance('rtn', importance, columns)
    const made = await roundRows(device, shape, grid, rounding, importance, (row, count) =>
      device.tensor(values.subarray(row * columns, (row + count) * columns), [count, columns]),
    )
    // A value that is not finite, or a scale that its type cannot hold: what becomes of it, or the error that names it,
    // is the reference's.
    return made ?? rtn(weight, grid, options)
  }
}

/** A weight [N, K] as a file stores it in ggml's blocks. */
export interface BlockMatrix {
  /** Id of the ggml type. */
  readonly format: string
  /** Whole rows, one after the other. */
  readonly bytes: Uint8Array
  readonly shape: readonly [rows: number, columns: number]
}

/** Rounds the values of blocks to nearest, to the matrix that `Round` gives for them; undefined where that is left to it. */
export type RoundBlocks = (
  blocks: BlockMatrix,
  grid: Grid,
  options?: RtnOptions,
) => Promise<QuantizedMatrix | undefined>

/**
 * The same from ggml's blocks, which are decoded on the device's threads too. Undefined for what `createDeviceRounder`
 * leaves to `rtn`, for values that are not finite, and for types without a kernel. The device needs `decodeBlocksWasm`
 * and `roundGroupsWasm` among its kernels.
 *
 * @throws TesseraError `invalid-shape` for blocks of another length
 */
export function createDeviceBlockRounder(device: Device): RoundBlocks {
  return async ({ format, bytes, shape }, grid, options = {}) => {
    const rounding = roundingOf({ shape }, grid, options)
    const [rows, columns] = shape
    if (!rounding || !decodable.includes(format) || columns % 32 !== 0) return undefined
    checkGrid('rtn', grid)
    const { importance } = options
    if (importance) checkImportance('rtn', importance, columns)
    const rowBytes = rowBytesOf(blockTypeOf(format), shape)
    blocksOf(format, { blocks: bytes }, rows * rowBytes)
    return roundRows(device, shape, grid, rounding, importance, (row, count) => {
      const blocks = device.tensor(bytes.subarray(row * rowBytes, (row + count) * rowBytes), [count, rowBytes])
      return device.run(decodeBlocksOp, { blocks }, { format, columns }).values
    })
  }
}

/** Types that devices decode. */
const decodable: readonly string[] = ['q4_0', 'q4_1', 'q8_0']

/**
 * Rounds some rows at a time; `valuesOf` brings those of a slice to the device. Undefined where a scale is not finite.
 */
async function roundRows(
  device: Device,
  shape: WeightMatrix['shape'],
  grid: Grid,
  rounding: RoundGroupsOptions,
  importance: Float32Array | undefined,
  valuesOf: (row: number, count: number) => Tensor,
): Promise<QuantizedMatrix | undefined> {
  const [rows, columns] = shape
  const step = Math.max(1, Math.floor(sliceValues / columns))
  const codes: (Uint8Array | Uint32Array)[] = []
  const scales: Float32Array[] = []
  const zeros: Float32Array[] = []
  for (let row = 0; row < rows; row += step) {
    const made = device.scope(({ keep }) => {
      const values = valuesOf(row, Math.min(step, rows - row))
      const weights = importance && device.tensor(importance, [columns])
      const outputs = device.run(roundGroupsOp, { values, importance: weights }, rounding)
      return { codes: keep(outputs.codes), scales: keep(outputs.scales), zeros: keep(outputs.zeros) }
    })
    try {
      codes.push((await device.read(made.codes)) as Uint8Array | Uint32Array)
      scales.push((await device.read(made.scales)) as Float32Array)
      if (!rounding.isSymmetric) zeros.push((await device.read(made.zeros)) as Float32Array)
    } finally {
      for (const tensor of Object.values(made)) tensor.dispose()
    }
    if (firstNonFinite(scales.at(-1) as Float32Array) >= 0) return undefined
  }
  const rest = {
    shape,
    grid,
    scales: joined(scales),
    zeros: rounding.isSymmetric ? undefined : joined(zeros),
  }
  return rounding.isPacked
    ? matrixOfWords(rest, joined(codes) as Uint32Array)
    : { ...rest, codes: joined(codes) as Uint8Array }
}

/** The parts, one after the other, in one array. */
function joined<T extends Uint8Array | Uint32Array | Float32Array>(parts: readonly T[]): T {
  const first = parts[0] as T
  if (parts.length === 1) return first
  const whole = new (first.constructor as new (length: number) => T)(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Undefined for what the kernel does not do. */
function roundingOf(
  { shape: [rows, columns] }: Pick<WeightMatrix, 'shape'>,
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
    ? {
        bits: grid.bits,
        width,
        isSymmetric: grid.isSymmetric,
        scaleType: grid.scaleType,
        isPacked: grid.bits === 4 && width % 8 === 0,
      }
    : undefined
}
