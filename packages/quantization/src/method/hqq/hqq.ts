import { TesseraError } from '@tessera-llm/tensor'
import { nearestEven } from '../../format/encode/rounding.ts'
import { groupColumns, groupsPerRow, type IntegerGrid, type QuantizedMatrix } from '../../quantized-matrix/index.ts'
import { checkGrid, checkWeight, type WeightMatrix } from '../matrix/index.ts'
import { scaleRounder } from '../scale/index.ts'

/** Options of `hqq`. */
export interface HqqOptions {
  /** The p of the norm |e|^p that errors are measured in; below 1 a few large errors cost little. Default 0.7. */
  readonly norm?: number | undefined
  /** Initial penalty that ties the split-off errors to the true ones. Default 10. */
  readonly beta?: number | undefined
  /** Factor on `beta` after each step. Default 1.01. */
  readonly growth?: number | undefined
  /** Steps at most; it stops when the mean error no longer falls. Default 20. */
  readonly steps?: number | undefined
  /** Round zeros to codes, for storage that takes integers only. Default false. */
  readonly integerZeros?: boolean | undefined
}

/** Result of `hqq`. */
export interface HqqResult {
  readonly matrix: QuantizedMatrix
  /** Mean |W − Q| at each step that was taken. */
  readonly errors: readonly number[]
}

/**
 * Half-quadratic quantization (Badri and Shaji 2023): zeros that minimise Σ|W − Q|^p, by splitting errors off and
 * shrinking them; scales span the range. Needs no data.
 *
 * @throws TesseraError `invalid-option` for symmetric grids, which have no zero to move; `invalid-shape`,
 *   `invalid-value` for the weight
 */
export function hqq(
  weight: WeightMatrix,
  grid: IntegerGrid,
  { norm = 0.7, beta: firstBeta = 10, growth = 1.01, steps = 20, integerZeros = false }: HqqOptions = {},
): HqqResult {
  checkWeight('hqq', weight)
  checkGrid('hqq', grid)
  if (!(norm > 0 && norm < 2))
    throw new TesseraError('invalid-option', `hqq: norm is the p of |e|^p between 0 and 2, got ${norm}; 0.7 is usual`)
  if (grid.isSymmetric || grid.group === 'tensor')
    throw new TesseraError(
      'invalid-option',
      'hqq: takes grids with zero points, by groups or rows; use rtn for symmetric ones and for one scale a tensor',
    )
  const { values, shape } = weight
  const [rows, columns] = shape
  const width = groupColumns(grid, columns)
  const groups = groupsPerRow(grid, columns)
  const last = 2 ** grid.bits - 1
  const codes = new Uint8Array(values.length)
  const scales = new Float32Array(rows * groups)
  const zeros = new Float64Array(rows * groups)
  const round = scaleRounder(grid.scaleType)
  const each = (visit: (group: number, start: number, end: number) => void): void => {
    for (let group = 0; group < rows * groups; group++) {
      const start = Math.floor(group / groups) * columns + (group % groups) * width
      visit(group, start, Math.min(start + width, (Math.floor(group / groups) + 1) * columns))
    }
  }
  each((group, start, end) => {
    let low = values[start] as number
    let high = low
    for (let i = start; i < end; i++) {
      low = Math.min(low, values[i] as number)
      high = Math.max(high, values[i] as number)
    }
    const scale = round((high - low) / last)
    scales[group] = scale > 0 ? scale : 1
    zeros[group] = -low / (scales[group] as number)
  })
  const encode = (): void =>
    each((group, start, end) => {
      const scale = scales[group] as number
      const zero = zeros[group] as number
      for (let i = start; i < end; i++)
        codes[i] = Math.min(Math.max(nearestEven((values[i] as number) / scale + zero), 0), last)
    })
  const errors: number[] = []
  let beta = firstBeta
  let least = Number.POSITIVE_INFINITY
  for (let step = 0; step < steps; step++, beta *= growth) {
    encode()
    let sum = 0
    // Below, |e| − |e|^(norm − 1) / beta is negative: all that small weights ever reach.
    const threshold = beta ** (-1 / (2 - norm))
    each((group, start, end) => {
      const scale = scales[group] as number
      let total = 0
      for (let i = start; i < end; i++) {
        const value = values[i] as number
        const code = codes[i] as number
        const error = value - (code - (zeros[group] as number)) * scale
        sum += Math.abs(error)
        total += code - (value - (Math.abs(error) <= threshold ? 0 : shrink(error, norm, beta))) / scale
      }
      zeros[group] = total / (end - start)
    })
    errors.push(sum / values.length)
    if (sum >= least) break
    least = sum
  }
  if (integerZeros)
    for (let group = 0; group < zeros.length; group++)
      zeros[group] = Math.min(Math.max(nearestEven(zeros[group] as number), 0), last)
  encode()
  return { matrix: { shape, grid, codes, scales, zeros: Float32Array.from(zeros) }, errors }
}

/** The generalised soft threshold for |e|^p, e ≠ 0. */
function shrink(error: number, norm: number, beta: number): number {
  const magnitude = Math.abs(error)
  return Math.sign(error) * Math.max(0, magnitude - magnitude ** (norm - 1) / beta)
}
