import { type Multiply, rowMajor, transposed } from './operand.ts'

const blockSize = 64

/**
 * The inverse of the diagonal block [start, end) of an upper triangular matrix f64 [n, n], written row-major into
 * `inverse` f64 [width, width] (its first width² elements).
 */
export function invertUpper(matrix: Float64Array, n: number, start: number, end: number, inverse: Float64Array): void {
  const width = end - start
  inverse.fill(0, 0, width * width)
  for (let row = width - 1; row >= 0; row--) {
    const at = (start + row) * n + start
    const pivot = 1 / (matrix[at + row] as number)
    inverse[row * width + row] = pivot
    for (let i = row + 1; i < width; i++) {
      const factor = -pivot * (matrix[at + i] as number)
      for (let column = i; column < width; column++) {
        inverse[row * width + column] =
          (inverse[row * width + column] as number) + factor * (inverse[i * width + column] as number)
      }
    }
  }
}

/**
 * Solves `X · (R · Rᵀ) = B` for X in place of B, R upper triangular: two triangular solves from the right.
 *
 * @param b f64 [m, n], overwritten by X
 * @param factor f64 [n, n], of `factorUpper`
 */
export function solveFactored(b: Float64Array, m: number, factor: Float64Array, n: number, multiply: Multiply): void {
  solveRightTransposed(b, m, factor, n, multiply)
  solveRight(b, m, factor, n, multiply)
}

/** X · R = B, in place, from the first block of columns to the last. */
export function solveRight(b: Float64Array, m: number, factor: Float64Array, n: number, multiply: Multiply): void {
  for (let start = 0; start < n; start += blockSize) {
    const end = Math.min(start + blockSize, n)
    if (start > 0)
      multiply(m, end - start, start, -1, rowMajor(b, n), rowMajor(factor, n, 0, start), rowMajor(b, n, 0, start))
    applyInverse(b, m, factor, n, start, end, false, multiply)
  }
}

/** X · Rᵀ = B, in place, from the last block of columns to the first. */
export function solveRightTransposed(
  b: Float64Array,
  m: number,
  factor: Float64Array,
  n: number,
  multiply: Multiply,
): void {
  for (let start = Math.floor((n - 1) / blockSize) * blockSize; start >= 0; start -= blockSize) {
    const end = Math.min(start + blockSize, n)
    if (end < n)
      multiply(
        m,
        end - start,
        n - end,
        -1,
        rowMajor(b, n, 0, end),
        transposed(rowMajor(factor, n, start, end)),
        rowMajor(b, n, 0, start),
      )
    applyInverse(b, m, factor, n, start, end, true, multiply)
  }
}

function applyInverse(
  b: Float64Array,
  m: number,
  factor: Float64Array,
  n: number,
  start: number,
  end: number,
  isTransposed: boolean,
  multiply: Multiply,
): void {
  const width = end - start
  const inverse = new Float64Array(width * width)
  invertUpper(factor, n, start, end, inverse)
  const columns = new Float64Array(m * width)
  for (let row = 0; row < m; row++) {
    columns.set(b.subarray(row * n + start, row * n + end), row * width)
    b.fill(0, row * n + start, row * n + end)
  }
  const right = rowMajor(inverse, width)
  multiply(
    m,
    width,
    width,
    1,
    rowMajor(columns, width),
    isTransposed ? transposed(right) : right,
    rowMajor(b, n, 0, start),
  )
}
