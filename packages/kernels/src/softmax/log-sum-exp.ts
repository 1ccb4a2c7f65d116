/** Lowest finite f32. It replaces −∞, because WGSL does not define what shaders do with infinities. */
export const lowest = -3.4028234663852886e38

/**
 * log Σ exp(row) = largest + logSum, natural. In two parts, because next to the largest magnitudes the sum would round
 * logSum away.
 */
export function logSumExp(row: Float64Array): { readonly largest: number; readonly logSum: number } {
  let largest = lowest
  for (const value of row) largest = Math.max(largest, value)
  let sum = 0
  for (const value of row) sum += Math.exp(Math.max(value, lowest) - largest)
  return { largest, logSum: Math.log(sum) }
}
