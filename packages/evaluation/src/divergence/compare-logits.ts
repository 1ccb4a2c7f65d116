import { TesseraError } from '@tessera-llm/tensor'

/** Comparison of two models' predictions after the same tokens. */
export interface LogitComparison {
  /** KL(p ‖ q) in nats, with p = softmax(original logits) and q = softmax(compared logits). Never negative. */
  readonly divergence: number
  /** −log p[target] and −log q[target], in nats. */
  readonly originalNll: number
  readonly comparedNll: number
  /** Whether both rank the same token first; ties go to the first token. */
  readonly agrees: boolean
}

/**
 * Compares two rows of logits, `[vocabSize]` each. KL(p ‖ q) = Σ pᵢ (xᵢ − yᵢ) − lse(x) + lse(y), in float64.
 *
 * @throws TesseraError `invalid-shape` for rows of different lengths, `invalid-value` for a target outside them or
 * non-finite logits
 */
export function compareLogits(
  original: ArrayLike<number>,
  compared: ArrayLike<number>,
  target: number,
): LogitComparison {
  const { length } = original
  if (compared.length !== length)
    throw new TesseraError(
      'invalid-shape',
      `divergence: the original has ${length} logits a token, the other model ${compared.length}; both must have the same vocabulary`,
    )
  if (!Number.isInteger(target) || target < 0 || target >= length)
    throw new TesseraError(
      'invalid-value',
      `divergence: the token id ${target} is not in the vocabulary (0 … ${length - 1})`,
    )
  const originalTop = indexOfMax(original)
  const comparedTop = indexOfMax(compared)
  const maxX = original[originalTop] as number
  const maxY = compared[comparedTop] as number
  let sumX = 0
  let sumY = 0
  let difference = 0
  for (let i = 0; i < length; i++) {
    const x = (original[i] as number) - maxX
    const y = (compared[i] as number) - maxY
    const weight = Math.exp(x)
    sumX += weight
    sumY += Math.exp(y)
    difference += weight * (x - y)
  }
  const logX = Math.log(sumX)
  const logY = Math.log(sumY)
  const divergence = difference / sumX - logX + logY
  if (!Number.isFinite(divergence))
    throw new TesseraError(
      'invalid-value',
      'divergence: the logits hold NaN or infinities; a model overflows in this arithmetic',
    )
  return {
    // The true value is never negative; its rounding may be.
    divergence: Math.max(0, divergence),
    originalNll: logX + maxX - (original[target] as number),
    comparedNll: logY + maxY - (compared[target] as number),
    agrees: originalTop === comparedTop,
  }
}

function indexOfMax(values: ArrayLike<number>): number {
  let at = 0
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[at] as number)) at = i
  return at
}
