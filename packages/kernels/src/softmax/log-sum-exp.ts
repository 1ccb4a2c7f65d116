/** The lowest finite f32, which −∞ counts as: what shaders may do with infinities is not defined. */
export const lowest = -3.4028234663852886e38

/** log Σ exp(row) = largest + logSum, natural. In two parts, because beside the largest magnitudes the second would be rounded away. */
export function logSumExp(row: Float64Array): { readonly largest: number; readonly logSum: number } {
  let largest = lowest
  for (const value of row) largest = Math.max(largest, value)
  let sum = 0
  for (const value of row) sum += Math.exp(Math.max(value, lowest) - largest)
  return { largest, logSum: Math.log(sum) }
}
