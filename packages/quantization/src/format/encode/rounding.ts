/** Rounds to f32. */
export const f32: (value: number) => number = Math.fround

/**
 * The nearest integer, ties to even, of |value| < 2^51: above 2^52 a double has no fraction, so that the sum is rounded
 * there.
 */
export function nearestEven(value: number): number {
  return value + 6755399441055744 - 6755399441055744
}

/** The value of greatest magnitude of x[at … at + count), with its sign; the first of equals. 0 when all are 0. */
export function extremeOf(x: Float32Array, at: number, count: number): number {
  let magnitude = 0
  let extreme = 0
  for (let i = at; i < at + count; i++) {
    const value = x[i] as number
    const absolute = Math.abs(value)
    if (absolute > magnitude) {
      magnitude = absolute
      extreme = value
    }
  }
  return extreme
}

/** Sum of squares of x[at … at + count), accumulated in f32. */
export function sumOfSquares(x: Float32Array, at: number, count: number): number {
  let sum = 0
  for (let i = at; i < at + count; i++) sum = f32(sum + f32((x[i] as number) * (x[i] as number)))
  return sum
}

/** Sum of the first `count` of x, accumulated in f32. */
export function sumOf(x: Float32Array, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum = f32(sum + (x[i] as number))
  return sum
}

/**
 * weights[i] = importance[i] · √(variance + x[i]²) for a group of `count`: columns that matter, in proportion to the
 * size of what stands in them.
 */
export function weighByImportance(
  x: Float32Array,
  at: number,
  importance: Float32Array,
  column: number,
  count: number,
  variance: number,
  weights: Float32Array,
): void {
  for (let i = 0; i < count; i++) {
    const value = x[at + i] as number
    weights[i] = f32((importance[column + i] as number) * f32(Math.sqrt(f32(variance + f32(value * value)))))
  }
}
