/**
 * Makes the rows of w f64[n, n] orthogonal to each other by plane rotations (one-sided Jacobi, Hestenes 1958), and
 * applies the same to the rows of v: for w = Aᵀ and v = I, afterwards row k of w is s_k u_k and row k of v is v_k of
 * the singular value decomposition A = Σ s_k u_k v_kᵀ. For a positive semidefinite A the rows of v are its
 * eigenvectors. Returns the lengths of the rows of w.
 */
export function orthogonalizeRows(w: Float64Array, v: Float64Array, n: number): Float64Array {
  const squares = new Float64Array(n)
  for (let sweep = 0; sweep < maximumSweeps; sweep++) {
    for (let row = 0; row < n; row++) squares[row] = rowProduct(w, n, row, row)
    const least = 1e-24 * Math.max(...squares)
    let largest = 0
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const alpha = squares[p] as number
        const beta = squares[q] as number
        if (alpha <= least && beta <= least) continue
        const gamma = rowProduct(w, n, p, q)
        const cosine = Math.abs(gamma) / Math.sqrt(alpha * beta)
        if (!(cosine > 1e-14)) continue
        largest = Math.max(largest, cosine)
        const zeta = (beta - alpha) / (2 * gamma)
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta))
        const c = 1 / Math.sqrt(1 + t * t)
        rotate(w, n, p, q, c, c * t)
        rotate(v, n, p, q, c, c * t)
        squares[p] = Math.max(0, alpha - t * gamma)
        squares[q] = beta + t * gamma
      }
    }
    if (largest < 1e-12) break
  }
  return Float64Array.from({ length: n }, (_, row) => Math.sqrt(rowProduct(w, n, row, row)))
}

/** Convergence is quadratic; matrices of 128 take 8 to 10 sweeps. */
const maximumSweeps = 30

/** Eigenvectors of a positive semidefinite f64[n, n] as rows, the largest eigenvalue first. */
export function principalAxes(
  a: Float64Array,
  n: number,
): { readonly axes: Float64Array; readonly values: Float64Array } {
  const v = identity(n)
  const lengths = orthogonalizeRows(a.slice(), v, n)
  const order = Array.from(lengths.keys()).sort((x, y) => (lengths[y] as number) - (lengths[x] as number))
  const axes = new Float64Array(n * n)
  for (const [index, row] of order.entries()) axes.set(v.subarray(row * n, (row + 1) * n), index * n)
  return { axes, values: Float64Array.from(order, (row) => lengths[row] as number) }
}

/** Identity f64[n, n]. */
export function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1
  return matrix
}

function rotate(matrix: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let x = p * n, y = q * n; x < (p + 1) * n; x++, y++) {
    const a = matrix[x] as number
    const b = matrix[y] as number
    matrix[x] = c * a - s * b
    matrix[y] = s * a + c * b
  }
}

function rowProduct(matrix: Float64Array, n: number, p: number, q: number): number {
  let sum = 0
  for (let x = p * n, y = q * n; x < (p + 1) * n; x++, y++) sum += (matrix[x] as number) * (matrix[y] as number)
  return sum
}
