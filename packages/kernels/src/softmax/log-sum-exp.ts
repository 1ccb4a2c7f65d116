/** The lowest finite f32, which −∞ counts as: what shaders may do with infinities is not defined. */
export const lowest = -3.4028234663852886e38

/** log Σ exp(row), natural. */
export function logSumExp(row: Float64Array): number {
  let largest = lowest
  for (const value of row) largest = Math.max(largest, value)
  let sum = 0
  for (const value of row) sum += Math.exp(Math.max(value, lowest) - largest)
  return largest + Math.log(sum)
}
