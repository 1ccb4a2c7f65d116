import { TesseraError } from '@tessera-llm/tensor'
import { type Multiply, rowMajor, transposed } from './operand.ts'
import { invertUpper } from './triangular.ts'

/** Columns that are factored at a time. */
const blockSize = 64

/**
 * The upper triangular R with `matrix = R · Rᵀ`, in place: the Cholesky factor of the matrix with its rows and columns
 * in reverse order. R⁻¹ is the upper factor of the inverse that GPTQ works with, so that neither the inverse nor a
 * second factorisation is needed. What lay below the diagonal becomes zero. n³ / 3 operations.
 *
 * @param matrix f64 [n, n], symmetric; only the upper half is read
 * @throws TesseraError `invalid-value` when the matrix is not positive definite
 */
export function factorUpper(matrix: Float64Array, n: number, multiply: Multiply): void {
  const scratch = new Float64Array(n * blockSize)
  const inverse = new Float64Array(blockSize * blockSize)
  for (let start = Math.floor((n - 1) / blockSize) * blockSize; start >= 0; start -= blockSize) {
    const end = Math.min(start + blockSize, n)
    const width = end - start
    if (end < n)
      multiply(
        end,
        width,
        n - end,
        -1,
        rowMajor(matrix, n, 0, end),
        transposed(rowMajor(matrix, n, start, end)),
        rowMajor(matrix, n, 0, start),
      )
    factorBlock(matrix, n, start, end)
    if (start === 0) break
    invertUpper(matrix, n, start, end, inverse)
    const above = scratch.subarray(0, start * width)
    for (let row = 0; row < start; row++) {
      above.set(matrix.subarray(row * n + start, row * n + end), row * width)
      matrix.fill(0, row * n + start, row * n + end)
    }
    multiply(
      start,
      width,
      width,
      1,
      rowMajor(above, width),
      transposed(rowMajor(inverse, width)),
      rowMajor(matrix, n, 0, start),
    )
  }
  for (let row = 1; row < n; row++) matrix.fill(0, row * n, row * n + row)
}

function factorBlock(matrix: Float64Array, n: number, start: number, end: number): void {
  for (let column = end - 1; column >= start; column--) {
    let pivot = matrix[column * n + column] as number
    for (let i = column + 1; i < end; i++) pivot -= (matrix[column * n + i] as number) ** 2
    if (!(pivot > 0))
      throw new TesseraError(
        'invalid-value',
        `cholesky: the matrix is not positive definite (pivot ${pivot} at ${column} of ${n}); more damping makes it so`,
      )
    const root = Math.sqrt(pivot)
    matrix[column * n + column] = root
    for (let row = start; row < column; row++) {
      let sum = matrix[row * n + column] as number
      for (let i = column + 1; i < end; i++) sum -= (matrix[row * n + i] as number) * (matrix[column * n + i] as number)
      matrix[row * n + column] = sum / root
    }
  }
}
