import { type Multiply, rowMajor } from '../../linear-algebra/index.ts'
import type { SweepTarget } from './sweep.ts'

/**
 * Goes over the codes of each row again, `passes` times at most: each takes the value that is best given all others,
 * scales fixed (coordinate descent). The sweep decides a column knowing only those before it; this one knows all.
 *
 * @param lost f64 [rows, n], target weights less what codes stand for, kept up to date
 * @param hessian f64 [n, n]
 * @returns the loss, tr(lost · H · lostᵀ)
 */
export function refine(
  lost: Float64Array,
  rows: number,
  hessian: Float64Array,
  n: number,
  target: SweepTarget,
  passes: number,
  multiply: Multiply,
): number {
  const gradient = new Float64Array(rows * n)
  multiply(rows, n, n, 1, rowMajor(lost, n), rowMajor(hessian, n), rowMajor(gradient, n))
  for (let row = 0; row < rows; row++) {
    for (let pass = 0; pass < passes; pass++) if (!refineRow(lost, gradient, row, hessian, n, target)) break
  }
  return lost.reduce((sum, value, i) => sum + value * (gradient[i] as number), 0)
}

/** Whether a code changed. */
function refineRow(
  lost: Float64Array,
  gradient: Float64Array,
  row: number,
  hessian: Float64Array,
  n: number,
  target: SweepTarget,
): boolean {
  let changed = false
  const at = row * n
  for (let position = 0; position < n; position++) {
    const before = target.value(row, position)
    const after = target.round(
      row,
      position,
      before + (gradient[at + position] as number) / (hessian[position * (n + 1)] as number),
    )
    const change = before - after
    if (change === 0) continue
    changed = true
    lost[at + position] = (lost[at + position] as number) + change
    const line = position * n
    for (let i = 0; i < n; i++) gradient[at + i] = (gradient[at + i] as number) + change * (hessian[line + i] as number)
  }
  return changed
}
