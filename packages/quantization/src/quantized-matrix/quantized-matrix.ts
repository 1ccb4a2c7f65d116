import { formatShape, TesseraError } from '@tessera-llm/tensor'
import { type Grid, groupColumns, groupsPerRow, scaleCount } from './grid.ts'

/** Result of a method for a weight [N, K]: codes and their meaning. Independent of the storage format. */
export interface QuantizedMatrix {
  /** [N, K]: outputs, inputs. */
  readonly shape: readonly [rows: number, columns: number]
  readonly grid: Grid
  /** u8[N · K], row-major, one code an element: 0 … 2^bits − 1, or an index of the table. */
  readonly codes: Uint8Array
  /** f32[N · groups], row-major (length 1 for one scale a tensor), rounded to `grid.scaleType`. */
  readonly scales: Float32Array
  /** f32, as many as scales: zero points in units of codes. Absent for symmetric grids and codebooks. */
  readonly zeros?: Float32Array | undefined
  /** i32[K]: the group of each column, where columns were grouped in another order than they stand (act-order). */
  readonly groupOfColumn?: Int32Array | undefined
}

/**
 * The values that the codes stand for, f32 [N · K], row-major: the difference and the product each rounded to f32.
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` as `checkMatrix`
 */
export function dequantizeMatrix(matrix: QuantizedMatrix): Float32Array<ArrayBuffer> {
  checkMatrix(matrix)
  const {
    shape: [rows, columns],
    grid,
    codes,
    scales,
    zeros,
    groupOfColumn,
  } = matrix
  const out = new Float32Array(rows * columns)
  const groups = groupsPerRow(grid, columns)
  const width = groupColumns(grid, columns)
  const middle = grid.kind === 'integer' ? 2 ** (grid.bits - 1) : 0
  const table = grid.kind === 'codebook' ? grid.values : undefined
  for (let row = 0; row < rows; row++) {
    const first = grid.group === 'tensor' ? 0 : row * groups
    for (let group = 0, column = 0; column < columns; group++) {
      // With groups by column, each column is a separate span.
      const at = first + (groupOfColumn ? (groupOfColumn[column] as number) : group)
      const end = row * columns + (groupOfColumn ? column + 1 : Math.min(column + width, columns))
      const scale = scales[at] as number
      const zero = zeros ? (zeros[at] as number) : middle
      for (let i = row * columns + column; i < end; i++)
        out[i] = scale * (table ? (table[codes[i] as number] as number) : Math.fround((codes[i] as number) - zero))
      column = end - row * columns
    }
  }
  return out
}

/**
 * @throws TesseraError `invalid-shape` where lengths do not agree, `invalid-value` for a code beyond the grid or a
 *   group that there is not
 */
export function checkMatrix({ shape, grid, codes, scales, zeros, groupOfColumn }: QuantizedMatrix): void {
  const [rows, columns] = shape
  const wrong = (part: string, got: number, expected: number): TesseraError =>
    new TesseraError('invalid-shape', `quantized matrix: ${formatShape(shape)} takes ${expected} ${part}, got ${got}`)
  if (!(rows > 0 && columns > 0))
    throw new TesseraError('invalid-shape', `quantized matrix: ${formatShape(shape)} has no elements`)
  if (codes.length !== rows * columns) throw wrong('codes', codes.length, rows * columns)
  const count = scaleCount(grid, shape)
  if (scales.length !== count) throw wrong('scales', scales.length, count)
  const hasZeros = grid.kind === 'integer' && !grid.isSymmetric
  if ((zeros?.length ?? 0) !== (hasZeros ? count : 0)) throw wrong('zeros', zeros?.length ?? 0, hasZeros ? count : 0)
  const codeCount = grid.kind === 'integer' ? 2 ** grid.bits : grid.values.length
  if (codeCount < 256) {
    let largest = 0
    for (let i = 0; i < codes.length; i++) largest = Math.max(largest, codes[i] as number)
    if (largest >= codeCount)
      throw new TesseraError(
        'invalid-value',
        `quantized matrix: the code ${largest} at index ${codes.indexOf(largest)} is beyond the ${codeCount} of its grid`,
      )
  }
  if (!groupOfColumn) return
  if (groupOfColumn.length !== columns) throw wrong('groups of columns', groupOfColumn.length, columns)
  const groups = groupsPerRow(grid, columns)
  const column = groupOfColumn.findIndex((group) => group < 0 || group >= groups)
  if (column >= 0)
    throw new TesseraError(
      'invalid-value',
      `quantized matrix: column ${column} names group ${groupOfColumn[column]} of ${groups}`,
    )
}
