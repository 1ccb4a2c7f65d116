import { isTesseraError } from '@tessera-llm/tensor'
import { factorUpper, type Multiply } from '../../linear-algebra/index.ts'

export interface DampedFactor {
  /** f64 [K, K], upper triangular R with R · Rᵀ = H + λ, rows and columns in processing order. */
  readonly factor: Float64Array
  /** f64 [K, K]: H + λ in processing order. */
  readonly hessian: Float64Array
  /**
   * The damping that was used, as a fraction of the mean diagonal; greater than asked for where the matrix needed it.
   */
  readonly damping: number
}

/** Beyond ten times the mean diagonal the second moment itself no longer counts. */
const mostDamping = 10

/**
 * Factors the second moment with `damping` times its mean diagonal added, and with ten times more as long as that
 * fails. Inputs that were always zero need nothing special: damping leaves them independent of all others. Undefined
 * when all failed.
 */
export function factorDamped(
  secondMoment: Float32Array,
  order: Int32Array,
  damping: number,
  multiply: Multiply,
): DampedFactor | undefined {
  const n = order.length
  let mean = 0
  for (let i = 0; i < n; i++) mean += (secondMoment[i * (n + 1)] as number) / n
  for (let tried = damping; tried <= mostDamping; tried = Math.max(tried * 10, 0.01)) {
    const hessian = permuted(secondMoment, order)
    for (let i = 0; i < n; i++) hessian[i * (n + 1)] = (hessian[i * (n + 1)] as number) + tried * mean
    const factor = hessian.slice()
    try {
      factorUpper(factor, n, multiply)
      return { factor, hessian, damping: tried }
    } catch (error) {
      if (!isTesseraError(error, 'invalid-value')) throw error
    }
  }
  return undefined
}

function permuted(matrix: Float32Array, order: Int32Array): Float64Array {
  const n = order.length
  const out = new Float64Array(n * n)
  for (let row = 0; row < n; row++) {
    const from = (order[row] as number) * n
    for (let column = 0; column < n; column++)
      out[row * n + column] = matrix[from + (order[column] as number)] as number
  }
  return out
}
