import { identity, orthogonalizeRows } from './jacobi.ts'

/**
 * The orthogonal matrix R that maximizes tr(Rᵀ A) for A f64[n, n], and that maximum: R = U Vᵀ for the singular value
 * decomposition A = U S Vᵀ (Schönemann 1966, orthogonal Procrustes problem), and the maximum is the sum of the singular
 * values. If A is rank-deficient, undetermined directions are completed orthogonally.
 */
export function nearestRotation(
  a: Float64Array,
  n: number,
): { readonly rotation: Float64Array; readonly trace: number } {
  const u = Float64Array.from(a, (_, index) => a[(index % n) * n + Math.floor(index / n)] as number)
  const v = identity(n)
  const lengths = orthogonalizeRows(u, v, n)
  const least = 1e-12 * Math.max(...lengths)
  const isDecided = Array.from(lengths, (length) => length > least)
  for (let row = 0; row < n; row++)
    if (isDecided[row]) for (let i = row * n; i < (row + 1) * n; i++) u[i] = (u[i] as number) / (lengths[row] as number)
  for (let row = 0; row < n; row++) {
    if (isDecided[row]) continue
    fillRow(u, n, row, isDecided)
    isDecided[row] = true
  }
  const rotation = new Float64Array(n * n)
  for (let k = 0; k < n; k++) {
    for (let row = 0; row < n; row++) {
      const factor = u[k * n + row] as number
      for (let column = 0; column < n; column++)
        rotation[row * n + column] = (rotation[row * n + column] as number) + factor * (v[k * n + column] as number)
    }
  }
  return { rotation, trace: lengths.reduce((sum, length) => sum + length, 0) }
}

/** Makes a row a unit vector that is orthogonal to every decided row. */
function fillRow(u: Float64Array, n: number, row: number, isDecided: readonly boolean[]): void {
  let best = 0
  let found = new Float64Array(n)
  // At least one unit vector keeps a length of √(undecided / n) outside the span of the decided rows.
  for (let axis = 0; axis < n && best < 0.5; axis++) {
    const candidate = new Float64Array(n)
    candidate[axis] = 1
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < n; other++) {
        if (!isDecided[other]) continue
        let dot = 0
        for (let i = 0; i < n; i++) dot += (candidate[i] as number) * (u[other * n + i] as number)
        for (let i = 0; i < n; i++) candidate[i] = (candidate[i] as number) - dot * (u[other * n + i] as number)
      }
    }
    const length = Math.hypot(...candidate)
    if (length > best) {
      best = length
      found = candidate
    }
  }
  for (let i = 0; i < n; i++) u[row * n + i] = (found[i] as number) / best
}
