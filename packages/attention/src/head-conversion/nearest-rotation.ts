/**
 * The orthogonal matrix R that maximises tr(Rᵀ A) for A f64[n, n], which is U Vᵀ of its singular value decomposition U S Vᵀ
 * (Schönemann 1966, the orthogonal Procrustes problem), and that maximum: the sum of the singular values. Where A has no full rank,
 * the directions that it does not decide are filled up orthogonally.
 */
export function nearestRotation(a: Float64Array, n: number): { readonly rotation: Float64Array; readonly trace: number } {
  // One-sided Jacobi (Hestenes 1958): columns of w = A v are made orthogonal by plane rotations that v collects.
  const w = a.slice()
  const v = identity(n)
  for (let sweep = 0; sweep < maximumSweeps; sweep++) {
    let largest = 0
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) largest = Math.max(largest, orthogonalize(w, v, n, p, q))
    if (largest < 1e-14) break
  }
  const norms = Float64Array.from({ length: n }, (_, column) => Math.sqrt(columnProduct(w, n, column, column)))
  const least = 1e-12 * Math.max(...norms)
  for (let column = 0; column < n; column++) {
    const norm = norms[column] as number
    if (norm > least) for (let row = 0; row < n; row++) w[row * n + column] = (w[row * n + column] as number) / norm
    else norms[column] = 0
  }
  for (let column = 0; column < n; column++) if (norms[column] === 0) fillColumn(w, n, column, norms)
  const rotation = new Float64Array(n * n)
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < n; k++) {
      const u = w[row * n + k] as number
      for (let column = 0; column < n; column++) rotation[row * n + column] = (rotation[row * n + column] as number) + u * (v[column * n + k] as number)
    }
  }
  return { rotation, trace: norms.reduce((sum, norm) => sum + norm, 0) }
}

/** Convergence is quadratic; well-separated matrices of 128 take 8 to 10 sweeps. */
const maximumSweeps = 30

/** Identity f64[n, n]. */
export function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1
  return matrix
}

/** Rotates columns p and q of w so that they are orthogonal, and those of v alike; returns the cosine between them before. */
function orthogonalize(w: Float64Array, v: Float64Array, n: number, p: number, q: number): number {
  const alpha = columnProduct(w, n, p, p)
  const beta = columnProduct(w, n, q, q)
  const gamma = columnProduct(w, n, p, q)
  const scale = Math.sqrt(alpha * beta)
  if (scale === 0 || Math.abs(gamma) <= 1e-15 * scale) return 0
  const zeta = (beta - alpha) / (2 * gamma)
  const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta))
  const c = 1 / Math.sqrt(1 + t * t)
  const s = c * t
  for (const matrix of [w, v]) {
    for (let row = 0; row < n; row++) {
      const x = matrix[row * n + p] as number
      const y = matrix[row * n + q] as number
      matrix[row * n + p] = c * x - s * y
      matrix[row * n + q] = s * x + c * y
    }
  }
  return Math.abs(gamma) / scale
}

function columnProduct(matrix: Float64Array, n: number, p: number, q: number): number {
  let sum = 0
  for (let row = 0; row < n; row++) sum += (matrix[row * n + p] as number) * (matrix[row * n + q] as number)
  return sum
}

/** Makes a column a unit vector orthogonal to every column whose norm is not 0, and marks it by a norm that adds nothing. */
function fillColumn(w: Float64Array, n: number, column: number, norms: Float64Array): void {
  let best = 0
  let found = new Float64Array(n)
  // Of the unit vectors, one at least keeps a length of √(undecided / n) outside of what the decided columns span.
  for (let axis = 0; axis < n && best < 0.5; axis++) {
    const candidate = new Float64Array(n)
    candidate[axis] = 1
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < n; other++) {
        if (norms[other] === 0) continue
        let dot = 0
        for (let row = 0; row < n; row++) dot += (candidate[row] as number) * (w[row * n + other] as number)
        for (let row = 0; row < n; row++) candidate[row] = (candidate[row] as number) - dot * (w[row * n + other] as number)
      }
    }
    const length = Math.hypot(...candidate)
    if (length > best) {
      best = length
      found = candidate
    }
  }
  for (let row = 0; row < n; row++) w[row * n + column] = (found[row] as number) / best
  norms[column] = Number.MIN_VALUE
}
