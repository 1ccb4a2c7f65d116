/**
 * A matrix inside an array: element (i, j) lies at `offset + i · rowStride + j · columnStride`; swapping the strides
 * transposes.
 */
export interface Operand {
  readonly data: Float64Array | Float32Array
  readonly offset: number
  readonly rowStride: number
  readonly columnStride: number
}

/**
 * `c[m, n] += alpha · a[m, k] · b[k, n]`, summed in f64. c must not overlap a or b, except where they share an array
 * without sharing elements.
 */
export type Multiply = (m: number, n: number, k: number, alpha: number, a: Operand, b: Operand, c: Operand) => void

/** A row-major matrix of `columns` columns, or the part of it that begins at (row, column). */
export function rowMajor(data: Operand['data'], columns: number, row = 0, column = 0): Operand {
  return { data, offset: row * columns + column, rowStride: columns, columnStride: 1 }
}

export function transposed({ data, offset, rowStride, columnStride }: Operand): Operand {
  return { data, offset, rowStride: columnStride, columnStride: rowStride }
}
