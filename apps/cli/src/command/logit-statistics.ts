export interface LogitStatistics {
  readonly logsumexp: number
  readonly mean: number
  /** Population standard deviation. */
  readonly std: number
  /** Largest first; ties by ascending id. */
  readonly top: readonly { readonly id: number; readonly logit: number }[]
}

/** Describes one row of logits, `[vocabSize]`, in float64. */
export function describeLogits(values: Float32Array, top: number): LogitStatistics {
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const value of values) {
    if (value > max) max = value
    sum += value
  }
  const mean = sum / values.length
  let exponentials = 0
  let squares = 0
  for (const value of values) {
    exponentials += Math.exp(value - max)
    squares += (value - mean) ** 2
  }
  const order = Array.from(values.keys()).sort((a, b) => (values[b] as number) - (values[a] as number) || a - b)
  return {
    logsumexp: max + Math.log(exponentials),
    mean,
    std: Math.sqrt(squares / values.length),
    top: order.slice(0, top).map((id) => ({ id, logit: values[id] as number })),
  }
}
