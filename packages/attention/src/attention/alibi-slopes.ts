/**
 * ALiBi slopes (Press et al. 2021) for `numHeads` heads: 2^(−8 (h + 1) / H) if H is a power of two; otherwise those of
 * the next smaller power of two, followed by every other slope of twice that power.
 */
export function alibiSlopes(numHeads: number): Float32Array {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, numHeads)))
  return Float32Array.from({ length: numHeads }, (_, head) =>
    head < power ? 2 ** ((-8 * (head + 1)) / power) : 2 ** ((-4 * (2 * (head - power) + 1)) / power),
  )
}
