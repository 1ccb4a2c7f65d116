import type { Grid } from './grid.ts'
import { groupColumns, groupsPerRow } from './grid.ts'

/** What a method makes of a weight [N, K]: codes and what they mean. Formats store it; nothing in it depends on how. */
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

/** The values that the codes stand for, f32 [N · K], row-major: the difference and the product each rounded to f32. */
export function dequantizeMatrix({ shape: [rows, columns], grid, codes, scales, zeros, groupOfColumn }: QuantizedMatrix): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows * columns)
  const groups = groupsPerRow(grid, columns)
  const width = groupColumns(grid, columns)
  const symmetricZero = grid.kind === 'integer' ? 2 ** (grid.bits - 1) : 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const group = groupOfColumn ? (groupOfColumn[column] as number) : Math.floor(column / width)
      const at = grid.group === 'tensor' ? 0 : row * groups + group
      const index = row * columns + column
      const code = codes[index] as number
      const value = grid.kind === 'codebook' ? (grid.values[code] as number) : code - (zeros ? (zeros[at] as number) : symmetricZero)
      out[index] = (scales[at] as number) * value
    }
  }
  return out
}
