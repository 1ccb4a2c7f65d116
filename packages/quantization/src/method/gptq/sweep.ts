import { invertUpper, type Multiply, rowMajor } from '../../linear-algebra/index.ts'

/**
 * Grid that the sweep rounds to: it chooses scales and stores codes. Rows are those of the current slice, positions are
 * in processing order.
 */
export interface SweepTarget {
  /**
   * Columns whose scales are chosen together, from weights that make up for all errors before them; undefined where
   * scales are fixed.
   */
  readonly width: number | undefined
  /**
   * Chooses the scales of the columns at positions [start, start + count). Row r's present weights are
   * `weights[r · stride + offset …]`; `costs[i]` is what a squared error at position start + i costs after others made
   * up for it; `inverse` f64 [stride, stride] is that of the block's factor, the group's part beginning at (offset,
   * offset).
   */
  fit(
    start: number,
    count: number,
    weights: Float64Array,
    offset: number,
    stride: number,
    costs: Float64Array,
    inverse: Float64Array,
  ): void
  /** Stores the code for a weight and returns what it stands for. */
  round(row: number, position: number, weight: number): number
  /** Value of the stored code. */
  value(row: number, position: number): number
}

/**
 * Rounds the columns of `weights` f64 [rows, n], in processing order, one after another, each time moving the columns
 * that are left so that the output changes least (GPTQ, arXiv 2210.17323). With `H = R · Rᵀ` the loss is
 * `|(W − Q) · R|²`, and its i-th column holds only errors of columns up to i: so the errors so far, times R, are all
 * that later columns need, and H is not inverted.
 *
 * @returns the loss, the sum over all columns
 */
export function sweep(
  weights: Float64Array,
  rows: number,
  factor: Float64Array,
  n: number,
  target: SweepTarget,
  block: number,
  multiply: Multiply,
): number {
  const pending = new Float64Array(rows * n)
  const current = new Float64Array(rows * block)
  const inverse = new Float64Array(block * block)
  const costs = new Float64Array(block)
  let loss = 0
  for (let start = 0; start < n; start += block) {
    const end = Math.min(start + block, n)
    const width = end - start
    invertUpper(factor, n, start, end, inverse)
    for (let row = 0; row < rows; row++) current.set(weights.subarray(row * n + start, row * n + end), row * width)
    if (start > 0)
      multiply(
        rows,
        width,
        width,
        1,
        rowMajor(pending, n, 0, start),
        rowMajor(inverse, width),
        rowMajor(current, width),
      )
    for (let i = 0; i < width; i++) costs[i] = (factor[(start + i) * (n + 1)] as number) ** 2
    if (target.width !== undefined) {
      for (let group = start; group < end; group += target.width) {
        const count = Math.min(target.width, end - group)
        target.fit(group, count, current, group - start, width, costs.subarray(group - start), inverse)
      }
    }
    for (let row = 0; row < rows; row++)
      loss += sweepRow(weights, row * n + start, current, row, width, inverse, start, target)
    if (end < n)
      multiply(
        rows,
        n - end,
        width,
        1,
        rowMajor(weights, n, 0, start),
        rowMajor(factor, n, start, end),
        rowMajor(pending, n, 0, end),
      )
  }
  return loss
}

/** Rounds one row of a block; `weights` becomes what was lost. */
function sweepRow(
  weights: Float64Array,
  at: number,
  current: Float64Array,
  row: number,
  width: number,
  inverse: Float64Array,
  start: number,
  target: SweepTarget,
): number {
  let loss = 0
  const from = row * width
  for (let i = 0; i < width; i++) {
    const weight = current[from + i] as number
    const rounded = target.round(row, start + i, weight)
    weights[at + i] = (weights[at + i] as number) - rounded
    const line = i * width
    const error = (weight - rounded) / (inverse[line + i] as number)
    loss += error * error
    if (error === 0) continue
    for (let j = i + 1; j < width; j++)
      current[from + j] = (current[from + j] as number) - error * (inverse[line + j] as number)
  }
  return loss
}
